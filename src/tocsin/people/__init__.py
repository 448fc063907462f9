"""Who works with the software: accounts, roles, signing in with a second factor, and who may do what.

Words: person, role, ability, clearance, enrolment link, second factor, session, key of the API, demonstration.
Doors: `models`, `choices`, `actions`, `queries`, `events`, `policy.may`, `access.public`, `demonstration`,
`links.new_token`, `keys.person_asking`, `programs` (of the API), `answering.accepted`.
"""
