"""Artifacts: a table, what it says of itself, and how both are read and written."""
