"""What tests of several measures share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench import product
from bench.processes import Cost


@pytest.fixture
def begun(_first_instance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have instances copied from one that `tocsin init` made: to make its tables takes seconds each time.

    `test_trail` measures on one that it makes itself.
    """
    plainly = product.Instance.tocsin

    def tocsin(made: product.Instance, *words: str | Path) -> tuple[Cost, str]:
        if words != ("init",) or made.database_url:
            return plainly(made, *words)
        shutil.copytree(_first_instance, made.home)
        made.home.chmod(0o700)
        return Cost(0, 0, 0), ""

    monkeypatch.setattr(product.Instance, "tocsin", tocsin)
