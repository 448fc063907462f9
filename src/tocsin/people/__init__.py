"""Who works with the software: accounts, roles, signing in with a second factor, and who may do what.

Words: person, role, ability, enrolment link, second factor, demonstration.
Doors: `models`, `choices`, `actions`, `queries`, `events`, `policy.may`, `access.public`, `demonstration`.
"""
