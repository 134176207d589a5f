"""IO out: plain text and JSON."""
