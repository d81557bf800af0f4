"""Model families: one folder each, behind the protocol of `family`."""
