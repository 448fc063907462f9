"""The command line: one module a noun, each saying what its verbs take and do.

Modules here import their room only inside the function that runs, so that a
pure command (`feed read`) needs neither Django nor a database and starts fast.
Exit codes: 0 done (also: nothing new to do), 1 refused or failed with a
sentence on stderr, 2 wrong usage, 130 interrupted by Ctrl-C.
"""

from tocsin.site.cli.parser import run

__all__ = ["run"]
