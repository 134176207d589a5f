"""Recordings: the codec, the file, what it survives, and what it refuses."""
