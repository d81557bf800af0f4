"""Read, write and compare images."""
