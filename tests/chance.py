"""How often chance is tried."""

from __future__ import annotations

import os


def seeds(number: int) -> range:
    """Return so many seeds; for a run on PostgreSQL a quarter of them: what is drawn is not about the database."""
    return range(number if not os.environ.get("TOCSIN_DATABASE_URL") else -(-number // 4))
