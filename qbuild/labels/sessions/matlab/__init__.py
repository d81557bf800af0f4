"""MATLAB files: whether they are whole, and what they hold."""
