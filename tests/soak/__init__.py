"""A simulated week of the dashboard on an injected clock: `python -m tests.soak`."""
