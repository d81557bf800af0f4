"""The engine: runs one stage on its inputs."""
