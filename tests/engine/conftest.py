"""The engine's tests do not wait for the disk: fsync guards against power cuts, which no test can make.

`test_store` shows that it is called, on the function as it was before.
"""

from __future__ import annotations

import pytest

from tocsin.engine import store


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out fsync."""
    monkeypatch.setattr(store, "_durable", lambda _path: None)
