"""A name from outside does not turn the text that follows it, wherever it stands on a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from tests.architecture.reading import ROOT
from tests.cast import Cast
from tests.feeds.conftest import AT
from tests.feeds.pages import signed_in
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory import actions
from tocsin.directory.models import Constituent
from tocsin.site.turning import written_out

TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
NAME = "Reef \u202eClinic"


def answered(response: HttpResponse) -> str:
    """Return what the middleware makes of an answer."""
    return written_out(lambda _request: response)(RequestFactory().get("/")).content.decode()


@pytest.mark.django_db
def test_a_name_stands_in_titles_sentences_and_lists_without_turning_them(cast: Cast) -> None:
    actions.add_constituent(public_id="reef", name=NAME, sector="health", by=COMMAND_LINE, at=AT)
    browser = signed_in(cast.analyst)

    for path in (
        "/directory/",
        "/directory/constituents/reef/",
        "/search/?q=Reef",
        "/directory/constituents/reef/claims/add/",
    ):
        answer = browser.get(path, follow=True)
        page = answer.content.decode()
        assert "Reef \\u202eClinic" in page and not TURNING.search(page), path
        assert int(answer["Content-Length"]) == len(answer.content), path


@pytest.mark.django_db
def test_a_field_holds_what_will_be_saved(cast: Cast) -> None:
    actions.add_constituent(public_id="reef", name=NAME, sector="health", note=NAME, by=COMMAND_LINE, at=AT)

    page = signed_in(cast.analyst).get("/directory/constituents/reef/change/").content.decode()

    assert f'value="{NAME}"' in page and re.search(rf"<textarea[^>]*>\s*{NAME}</textarea>", page)
    assert len(TURNING.findall(page)) == 2 and "<h1>Change Reef \\u202eClinic</h1>" in page
    assert Constituent.objects.get().name == NAME


def test_only_pages_are_touched() -> None:
    assert answered(HttpResponse("<p>a\u2067b")) == "<p>a\\u2067b"
    assert answered(HttpResponse("<p>عربي \u200fa")) == "<p>عربي \u200fa"
    assert answered(HttpResponse("a\u202eb", content_type="text/plain; charset=utf-8")) == "a\u202eb"
    file = StreamingHttpResponse(["a\u202eb"])
    assert written_out(lambda _request: file)(RequestFactory().get("/")) is file  # type: ignore[arg-type,return-value]


def files() -> list[Path]:
    """Return templates and catalogues."""
    return [*ROOT.glob("src/tocsin/*/templates/**/*.html"), *ROOT.glob("locale/**/*.po")]


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_templates_and_translations_use_none_of_these_characters(path: Path) -> None:
    assert not TURNING.search(path.read_text(encoding="utf-8"))
