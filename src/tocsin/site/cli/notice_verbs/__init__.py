"""Verbs of `tocsin notice` that have more to say than a few lines."""
