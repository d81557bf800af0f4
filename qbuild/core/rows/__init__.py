"""Rows by their ids: lookup, duplicates, rejections."""
