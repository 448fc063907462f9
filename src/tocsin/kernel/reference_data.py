"""Where the reference data that comes with the product stands: `data/` and `locale/`.

In a checkout they stand at the top; in an installed wheel beside the package.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_SHIPPED = _PACKAGE / "_shipped"
_TOP = _SHIPPED if _SHIPPED.is_dir() else _PACKAGE.parents[1]

DATA = _TOP / "data"
LOCALE = _TOP / "locale"
