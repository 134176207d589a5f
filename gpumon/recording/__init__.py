"""Recordings of everything a monitor sees, in one SQLite file, and the database of runs."""
