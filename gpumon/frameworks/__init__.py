"""Who a process is, what its settings are, and what its files and log lines mean."""
