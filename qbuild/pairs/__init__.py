"""What is asked of a language model about depictions, and how its answer is held to be true."""
