"""Foreign formats: bytes to values and back, one folder each; no network, no database, no framework.

Words: those of each format, translated once into the house's own at its door.
Doors: `shadowserver`, `idf`, `delimited`, `mail`.
"""
