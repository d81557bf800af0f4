"""Requests by the Batch API, or by files for others to send."""
