"""Pictures: read, written, compared."""
