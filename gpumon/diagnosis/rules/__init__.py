"""One rule per finding id; beside each its page of documentation."""
