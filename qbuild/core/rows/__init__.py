"""Rows by their ids: looked up, repeated, rejected."""
