"""Videos: read, written, cut into shots."""
