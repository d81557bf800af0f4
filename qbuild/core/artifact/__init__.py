"""Artifacts: Parquet files with a schema and a description; reading and writing them."""
