"""What a command loads before it does anything: on a small machine each of them pays for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.commands import environment

CODE = """
import json, sys
from tocsin.site.starting import open_instance
open_instance()
print(json.dumps(sorted(sys.modules)))
"""
HEAVY = {"fido2", "pysequoia", "dns", "cryptography", "pyarrow", "numpy", "duckdb", "tocsin.notices.following"}
"""For single commands, and what listeners do."""


def test_what_only_some_commands_need_is_loaded_by_none_at_its_start(ready: Path) -> None:
    # A process of its own: those that tests fork have loaded everything.
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment(ready), capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(json.loads(done.stdout))
    assert "tocsin.notices.listeners" in loaded
    assert loaded & HEAVY == set()
