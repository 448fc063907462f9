"""What goes out to the network and comes in from it.

Words: fetch, address check, received message.
Doors: `fetching.fetch`, `connecting.Allowance`, `refusals`, `tokens`, `incoming`.
"""
