"""Shows, validates, compares and traces artifacts."""
