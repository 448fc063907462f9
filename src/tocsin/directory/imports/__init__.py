"""Directory files: bytes to checked records to a plan. Nothing here writes.

`reading` turns CSV and JSON into one plain shape, `checking` into records or
problems by row and column, `planning` compares records with the tables. What a
file may hold is described in docs/reference/directory-files.md.
"""
