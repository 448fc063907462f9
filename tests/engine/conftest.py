"""The engine's tests do not wait for the disk: fsync guards against power cuts, which no test can make.

`test_store` shows that it is called, on the function as it was before. Nor is an example of Hypothesis timed: on a
busy machine that says nothing about the engine.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

from tocsin.engine import store

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out fsync."""
    monkeypatch.setattr(store, "_durable", lambda _path: None)
