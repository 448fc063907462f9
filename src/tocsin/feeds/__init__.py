"""RESPOND: what the world's feeds see of the country, and what has become of it.

Words: feed, report, cycle, run, observation, finding, quarantine, note, answer.
The engine computes; this room holds the manifest that says which of its files
count, what people say about findings, and the pages on which both are read.
Doors: `models`, `actions`, `queries`, `events`, `choices`, `exports`, `intake` (a whole import), `lives`, `clearing`,
`wording`, `answers`, `queries_finding`, `queries_findings`, `leases`, `sweeps`,
`last_rows`.
"""
