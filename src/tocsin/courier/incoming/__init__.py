"""Mail that comes in: kept as it came before anybody looks into it, read by a process of its own, and never answered.

Words: received message, raw message, token, to be read, quarantined.
Doors: `receiving.receive`, `actions`, `queries`, `events`, `choices`, `received`, `keeping.path_of`.
"""
