"""IO in: what is true here, as facts for the checks."""
