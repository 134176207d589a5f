"""The panes of the screens, drawn line by line."""
