"""What commands found, as text."""
