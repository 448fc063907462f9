"""A data directory for the mail of each test."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tocsin.courier.incoming import dissecting
from tocsin.formats.mail.understanding import Understood, understand


@pytest.fixture
def place(tmp_path: Path, settings: Any) -> Path:
    """Where mail is kept while this test runs."""
    settings.TOCSIN = settings.CONFIG = dataclasses.replace(settings.CONFIG, home=tmp_path)
    return tmp_path


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have messages read in this process, which costs a tenth: that another does it is the business of other tests."""

    def dissect(path: Path, *, envelope_sender: str = "") -> Understood:
        return understand(path.read_bytes(), envelope_sender=envelope_sender)

    monkeypatch.setattr(dissecting, "dissect", dissect)
