"""Instruction-tuning data for visual-quality assessment, made from opinion scores."""

__version__ = "0.1.0"
