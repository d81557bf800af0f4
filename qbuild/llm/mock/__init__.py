"""A server of the OpenAI protocol for tests and trials, on loopback."""
