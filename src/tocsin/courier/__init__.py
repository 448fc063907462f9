"""What goes out to the network and comes in from it.

Words: fetch, address check.
Doors: `fetching.fetch`, `connecting.Allowance`, `refusals`.
"""
