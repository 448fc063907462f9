"""Whom the team serves, what each of them is responsible for on the Internet, and whom to tell.

Words: constituent, claim (of a network, autonomous system, domain suffix), conflict, overlap, contact, member, change
request, wish (what it asks for), reference table.
Attribution rests on this curated register alone, never on geolocation.
Doors: `models`, `choices`, `actions`, `queries`, `events`, `sectors`, `wishes`, `asked`. `imports` and `tables` read
files, for the doors only.
"""
