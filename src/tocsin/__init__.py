"""Tocsin: set up and run a national computer incident response team."""

__version__ = "0.1.0"
