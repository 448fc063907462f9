"""Links between our documents lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.reading import ROOT, tracked_files

DOCUMENTS = [path for path in tracked_files() if path.suffix == ".md"]
MADE_LATER = {"docs/pictures/situation.png"}
"""Pictures that `make pictures` draws."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", document.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert [target for target in missing if target not in MADE_LATER] == []
