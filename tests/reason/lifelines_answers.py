"""Asking lifelines, which stands in an environment of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def to(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answer to each question of `lifelines_says`; raises CalledProcessError with what went wrong."""
    done = subprocess.run(
        [ROOT / "tools/with-lifelines", ROOT / "tests/reason/lifelines_says.py"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return list(json.loads(done.stdout))
