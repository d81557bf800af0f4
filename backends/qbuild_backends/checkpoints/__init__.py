"""Checkpoints: folders of qbuild's own, and published layouts; tensors only, no code is run."""
