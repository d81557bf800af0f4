"""The published layouts of session logs, one a file."""
