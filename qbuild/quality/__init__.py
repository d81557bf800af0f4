"""The field: levels, ranges, stalls, sampling, metrics, published strings."""
