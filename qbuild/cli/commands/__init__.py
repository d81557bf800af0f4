"""The commands that are not stages; `EXAMPLES` and `RENAMED` of a module are by command name."""
