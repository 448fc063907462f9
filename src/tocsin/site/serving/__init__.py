"""`tocsin serve`: the web processes and the worker, started, watched and stopped together.

The supervisor itself loads no Django and stays small.
Words: part (web or worker), supervisor, back-off.
Doors: `serve`, `addresses.Listening`.
"""

from tocsin.site.serving.parts import serve

__all__ = ["serve"]
