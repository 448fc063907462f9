"""The verbs of `tocsin mail`."""
