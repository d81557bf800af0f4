"""Decode the frames of a video with one of two libraries."""
