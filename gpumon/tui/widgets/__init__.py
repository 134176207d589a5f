"""The panes of the dashboard: each shows one part of a Frame and redraws only what changed."""
