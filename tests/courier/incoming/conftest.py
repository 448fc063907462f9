"""A data directory for the mail of each test."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def place(tmp_path: Path, settings: Any) -> Path:
    """Where mail is kept while this test runs."""
    settings.TOCSIN = settings.CONFIG = dataclasses.replace(settings.CONFIG, home=tmp_path)
    return tmp_path
