"""Pipelines: recipes of steps, and which steps have to run, and why."""
