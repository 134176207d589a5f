"""Benchmarks: run by hand, they print the tables of docs/cost.md."""
