"""Read and write videos, and find their shots."""
