"""MATLAB files: checked tag by tag (verify.py), then read by scipy (read.py)."""
