"""Composition: settings, addresses, the command line, base templates and the design system.

Nothing here decides anything about constituents, findings or people; it puts
the rooms together. No room imports this one.
"""
