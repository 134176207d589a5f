"""Pure time: rings of samples, windows over them, statistics."""
