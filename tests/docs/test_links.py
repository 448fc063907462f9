"""Links between our documents lead somewhere, and their anchors to a heading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.reading import ROOT, tracked_files

DOCUMENTS = [path for path in tracked_files() if path.suffix == ".md"]
MADE_LATER: set[str] = set()
"""Pictures that `make pictures` draws."""


def links(document: Path) -> list[str]:
    """Every link of a document that does not leave the repository; those in code are no links."""
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)", text)


def anchors(document: Path) -> set[str]:
    """Names by which the headings of a document can be reached, as code hosts make them."""
    text = re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file(document: Path) -> None:
    targets = [target.partition("#")[0] for target in links(document)]
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert [target for target in missing if target not in MADE_LATER] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_anchor_is_a_heading_of_its_document(document: Path) -> None:
    lost = []
    for target in links(document):
        file, _, anchor = target.partition("#")
        if anchor and anchor not in anchors(document.parent / file if file else document):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d.is_relative_to(ROOT / "docs")], ids=lambda d: d.name)
def test_every_page_can_be_reached_from_a_readme(document: Path) -> None:
    """A page that no other page links is a page that nobody finds."""
    reached, waiting = set[Path](), [ROOT / "README.md", ROOT / "README.fr.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            waiting += [page.parent / target.partition("#")[0] for target in links(page)]
    assert document.resolve() in reached
