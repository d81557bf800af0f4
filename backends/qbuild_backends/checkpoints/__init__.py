"""VQA² weights from other layouts and back; tensors only, nothing in a file is run."""
