"""RESPOND: whether telling constituents got anything mended, as far as that can be known.

Words: life, comparison, figure, measurement, verdict.
Notices sent are never a success: what counts is whether findings go sooner.
Reckoned in the background from feeds and notices; pages read what was reckoned.
Doors: `models`, `actions`, `queries`, `events`, `choices`, `measuring`, `reckoned`.
"""
