"""Measurements anyone can run again: `python -m benchmarks.NAME`."""
