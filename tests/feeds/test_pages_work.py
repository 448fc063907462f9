"""Work on several findings of the list at once: taken, given, noted; and what is refused is still there."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.feeds.conftest import Store
from tests.feeds.pages import ids, main_of, rows, signed_in, text
from tocsin.audit.models import AuditRow
from tocsin.feeds.models import FindingNote, FindingOwner

pytestmark = pytest.mark.django_db


def test_chosen_findings_are_taken_given_and_noted(browser_of_analyst: Client, cast: Cast) -> None:
    chosen = ids(constituents=("bank",)) + ids(constituents=("",))

    taken = browser_of_analyst.post("/findings/work/", {"finding": chosen, "do": "take", "query": "whose=bank"})
    assert (taken.status_code, taken["Location"]) == (302, "/findings/?whose=bank")
    assert set(FindingOwner.objects.values_list("owner_key", flat=True)) == {cast.analyst.audit_key}
    assert sorted(rows(browser_of_analyst.get("/findings/?owner=me"))) == ["192.0.2.200:3389", "192.0.2.70:3389"]
    assert len(rows(browser_of_analyst.get("/findings/?owner=none"))) == 14

    seen = [f"{each} {cast.analyst.audit_key}" for each in chosen]
    give = {"finding": chosen[:1], "seen": seen, "do": "give", "owner": str(cast.manager.pk)}
    browser_of_analyst.post("/findings/work/", give)
    assert FindingOwner.objects.get(finding=chosen[0]).owner_label == cast.manager.audit_label

    browser_of_analyst.post("/findings/work/", {"finding": chosen, "do": "note", "text": "Called them."})
    assert FindingNote.objects.count() == 2
    assert AuditRow.objects.filter(code__startswith="finding.").count() == 5

    seen[0] = f"{chosen[0]} {cast.manager.audit_key}"
    browser_of_analyst.post("/findings/work/", {"finding": chosen, "seen": seen, "do": "give", "owner": "nobody"})
    assert not FindingOwner.objects.exists()


def test_those_that_somebody_took_meanwhile_are_left_and_named(browser_of_analyst: Client, cast: Cast) -> None:
    """A manager works on a list that she loaded before her analyst took a finding of it."""
    manager, chosen = signed_in(cast.manager), [*ids(constituents=("bank",)), *ids(constituents=("",))]
    browser_of_analyst.post("/findings/work/", {"finding": chosen[:1], "do": "take"})

    page = text(manager.post("/findings/work/", {"finding": chosen, "do": "take"}, follow=True))

    assert "Marta Head has 1 finding more." in page
    assert "1 finding was left as it is, because its owner has changed" in page and ":3389 (Anan Analyst)." in page
    held = dict(FindingOwner.objects.values_list("finding", "owner_key"))
    assert held == {chosen[0]: cast.analyst.audit_key, chosen[1]: cast.manager.audit_key}


def test_what_is_taken_twice_is_said_to_be_taken_already(browser_of_analyst: Client, cast: Cast) -> None:
    chosen = ids(constituents=("bank",)) + ids(constituents=("",))
    form = {"finding": chosen, "do": "take"}
    assert "Anan Analyst has 1 finding more." in text(
        browser_of_analyst.post("/findings/work/", {**form, "finding": chosen[:1]}, follow=True)
    )
    since, trail = FindingOwner.objects.get().since, AuditRow.objects.count()

    again = text(browser_of_analyst.post("/findings/work/", {**form, "finding": chosen[:1]}, follow=True))
    assert "Nothing was changed. Of the chosen findings Anan Analyst had 1 already." in again and "more" not in again
    assert FindingOwner.objects.get().since == since and AuditRow.objects.count() == trail

    both = text(browser_of_analyst.post("/findings/work/", form, follow=True))
    assert "Anan Analyst has 1 finding more. Of the chosen findings Anan Analyst had 1 already." in both

    nobody = {**form, "do": "give", "owner": "nobody", "seen": [f"{each} {cast.analyst.audit_key}" for each in chosen]}
    assert "2 findings have no owner now." in text(browser_of_analyst.post("/findings/work/", nobody, follow=True))
    none = text(browser_of_analyst.post("/findings/work/", nobody, follow=True))
    assert "Nothing was changed. Of the chosen findings 2 had no owner before." in none


def test_those_that_somebody_had_when_the_list_was_shown_can_be_given(browser_of_analyst: Client, cast: Cast) -> None:
    manager, chosen = signed_in(cast.manager), ids(constituents=("bank",))
    browser_of_analyst.post("/findings/work/", {"finding": chosen, "do": "take"})

    shown = re.findall(r'name="seen" value="([^"]+)" form="bulk"', main_of(manager.get("/findings/")))
    manager.post("/findings/work/", {"finding": chosen, "seen": shown, "do": "take"})

    assert shown == [f"{chosen[0]} {cast.analyst.audit_key}"]
    assert FindingOwner.objects.get().owner_key == cast.manager.audit_key


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"do": "take", "finding": []}, "No finding was chosen"),
        ({"do": "take", "finding": "nonsense"}, "No finding was chosen"),
        ({"do": "take", "finding": "a" * 26}, "No finding was chosen"),
        ({"do": "note", "text": " "}, "The note is empty"),
        ({"do": "note", "text": "\u200b\u2060"}, "It holds nothing that can be seen."),
        ({"do": "note", "text": "\x1b[2Jx"}, "It holds a control character."),
        ({"do": "note", "text": " ", "finding": []}, "Tick some rows first. The note is empty. Write what"),
        ({"do": "give", "text": " ", "finding": []}, "Tick some rows first. "),
    ],
)
def test_what_cannot_be_done_is_said(browser_of_analyst: Client, form: dict[str, Any], says: str) -> None:
    form = {"finding": ids(constituents=("bank",)), **form}

    assert says in text(browser_of_analyst.post("/findings/work/", form, follow=True))
    assert not FindingOwner.objects.exists() and not FindingNote.objects.exists()


def test_a_note_that_is_refused_is_still_there_with_what_was_chosen(browser_of_analyst: Client) -> None:
    """A browser would have cut it to what may stand, and said nothing."""
    chosen, note = ids(constituents=("bank",)), "Called <them>. " * 700
    assert "maxlength" not in main_of(browser_of_analyst.get("/findings/")).partition('id="text"')[2][:200]

    page = browser_of_analyst.post("/findings/work/", {"finding": chosen, "do": "note", "text": note}, follow=True)

    assert "The note has 10499 characters; 10000 are the most." in text(page)
    assert f'value="{html.escape(note)}"' in main_of(page) and '<details class="more" open>' in main_of(page)
    assert re.findall(r'value="(\w{26})" form="bulk" checked', main_of(page)) == chosen
    again = main_of(browser_of_analyst.get("/findings/"))
    assert "Called" not in again and "checked" not in again


def test_nobody_outside_the_team_is_given_a_finding(browser_of_analyst: Client, cast: Cast) -> None:
    form = {"finding": ids(constituents=("bank",)), "do": "give", "owner": str(cast.stranger.pk)}

    assert browser_of_analyst.post("/findings/work/", form).status_code == 403
    assert not FindingOwner.objects.exists()


def test_a_form_leads_back_to_the_list_only(browser_of_analyst: Client) -> None:
    for onward in ("//evil.example", "https://evil.example", "a=b\r\nSet-Cookie: c=d"):
        answer = browser_of_analyst.post("/findings/work/", {"do": "take", "query": onward})

        assert answer["Location"].startswith("/findings/") and "\n" not in answer["Location"]


def test_an_auditor_looks_and_does_not_touch(week: Store, cast: Cast) -> None:
    browser = signed_in(cast.auditor)
    page = browser.get("/findings/")

    assert page.status_code == 200 and 'type="checkbox"' not in main_of(page)
    assert browser.post("/findings/work/", {"finding": ids(constituents=("bank",)), "do": "take"}).status_code == 403
