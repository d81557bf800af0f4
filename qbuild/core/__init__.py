"""Artifacts, schemas, stages and the engine that runs them; knows no stage and no command."""
