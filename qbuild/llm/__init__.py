"""Providers of answers to prompts, and the checks that an answer passes before it is a pair."""
