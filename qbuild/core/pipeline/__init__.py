"""Pipelines: recipes of steps, which of them have to run, and why."""
