"""The verbs of `tocsin feed` beyond reading and importing, each with what it says."""
