"""Synthetic distortions of images and videos."""
