"""The dashboard in a browser on this machine: a page, and a process of the dashboard behind it."""
