"""Question-answer pairs from depictions: what a model is asked, and how its answers are checked."""
