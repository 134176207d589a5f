"""IO in: each source reads one thing of this machine and says why it cannot."""
