"""The IntelMQ Data Format: flat events with dotted keys, as CSIRTs know them.

Pure: values in, text out, and back.
Words: event, key, kind, extra.
Doors: `keys`, `kind_of`, `write`, `check`, `read_lines`.
"""
