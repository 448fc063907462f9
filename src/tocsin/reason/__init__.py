"""What follows from what is known: how long findings last, and whether telling people made a difference.

Pure: columns in, values out; no framework, no database, no network.
Words: life, cluster, late entry, curve, hazard ratio, verdict.
Doors: the modules themselves; each is small and stands alone.
"""
