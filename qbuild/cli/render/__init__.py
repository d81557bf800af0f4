"""Formats the reports of commands as text."""
