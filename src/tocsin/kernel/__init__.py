"""The shared words of the house: markings, severity, instants, networks, identifiers, refusals, events.

Pure: no framework, no database, no network.
Words: TLP, PAP, severity, incident type (RSIT), sector, instant, network, suffix, refusal, event.
Doors: the modules themselves; each is small and stands alone.
"""
