"""Scores and answers of a model."""
