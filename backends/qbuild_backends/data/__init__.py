"""What is trained on: samples, their media, batches."""
