"""A server with the OpenAI protocol for tests and trials, on loopback only."""
