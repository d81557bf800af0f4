"""Clips cut from videos."""
