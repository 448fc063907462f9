"""What a spreadsheet would make of a cell of a CSV file.

It takes a cell for a formula that begins with one of four signs. And a program
set to another language parts cells at semicolons or tabulators, or ends a row
at a line end inside of quotation marks: what follows begins a cell there.
"""

from __future__ import annotations

import re
from typing import Any

_BEGINS_A_FORMULA = re.compile(r'^(?=[\t\r])|(^|[;\t\r\n])(?=[ "]*[=+\-@])')


def harmless(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe stands before each sign that begins one."""
    return _BEGINS_A_FORMULA.sub(lambda found: f"{found[0]}'", value) if isinstance(value, str) else value
