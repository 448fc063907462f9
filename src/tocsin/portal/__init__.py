"""RESPOND: the pages on which constituents see what is theirs, answer it, and take it with them.

Words: member, own finding, answer, own notice, place (of the pages of members).
What a member may see is decided below: their organisations by `directory`, findings by `feeds`, notices by `notices`.
Every page works on a telephone and without a script.
Doors: `queries`.
"""
