"""The layouts of session logs, one per file."""
