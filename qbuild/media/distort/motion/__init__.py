"""Distortions of motion, and the planes of video frames that they are applied to."""
