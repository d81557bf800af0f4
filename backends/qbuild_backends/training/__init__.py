"""Training a model, from its settings to the checkpoint."""
