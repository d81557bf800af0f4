"""Training data: samples, their media, batches."""
