"""Model backends: what they offer, how they are found, what they are given."""
