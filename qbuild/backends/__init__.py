"""Model backends: their protocol, registry and conversations."""
