"""The engine's tests do not wait for the disk: fsync guards against power cuts, which no test can make.

`test_store` shows that it is called, `tests/kernel/test_durable` what it does. Nor is an example of Hypothesis timed:
on a busy machine that says nothing about the engine. Fifty examples, not a hundred, keep the whole room under a
minute; TOCSIN_TEST_EXAMPLES asks for more.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tocsin.kernel import durable

settings.register_profile("untimed", deadline=None, max_examples=int(os.environ.get("TOCSIN_TEST_EXAMPLES", "50")))
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out fsync."""
    monkeypatch.setattr(durable, "sync", lambda _path: None)
