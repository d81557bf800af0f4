"""List, locate, name and probe media files."""
