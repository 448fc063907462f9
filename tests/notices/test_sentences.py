"""A policy and a suppression as people read them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import translation

from tests.feeds.conftest import AT, Store
from tests.notices.conftest import policy, suppression
from tocsin.directory.models import Constituent
from tocsin.notices.addresses import reached_at, whole
from tocsin.notices.sentences import policy_sentences, policy_title, suppression_title

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        ({}, "Everybody: all findings, from C4"),
        ({"category": "spam", "threshold": 6}, "Everybody: Spam, from C6"),
        ({"sector": "health"}, "Sector Health: all findings, from C4"),
        ({"sector": "health", "category": "spam"}, "Sector Health: Spam, from C4"),
        ({"constituent": "bank"}, "bank: all findings, from C4"),
        ({"constituent": "bank", "category": "spam"}, "bank: Spam, from C4"),
    ],
)
def test_a_title_says_who_is_told_of_what(store: Store, facts: dict[str, Any], title: str) -> None:
    if "constituent" in facts:
        facts = {**facts, "constituent": Constituent.objects.get(public_id="bank")}
    assert policy_title(policy(**facts)) == title


def test_the_name_of_a_constituent_is_in_the_language_of_the_reader(store: Store) -> None:
    Constituent.objects.filter(public_id="bank").update(names={"fr": "Banque des Îles"})
    row = policy(constituent=Constituent.objects.get(public_id="bank"))
    with translation.override("fr"):
        assert policy_title(row).startswith("Banque des Îles")


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"interval_hours": 1}, "By mail, once an hour at most."),
        ({"interval_hours": 168}, "By mail, once in 168 hours at most."),
        ({"channel": "portal"}, "On its own pages, once in 24 hours at most."),
        ({"channel": "webhook", "interval_hours": 1}, "By webhook, once an hour at most."),
        ({}, "In the language of the contact."),
        ({"language": "fr"}, "In this language: French."),
        ({"language": "qol"}, "In this language: qol."),
        ({}, "At any hour."),
        ({"work_days": [6, 0]}, "On these days (UTC): Monday, Sunday."),
        (
            {"works_from": dt.time(8), "works_until": dt.time(9, 30)},
            "From 08:00 to 09:30 (UTC) on these days: Monday, Tu",
        ),
        ({"tlp": "AMBER+STRICT"}, "Up to TLP:AMBER+STRICT."),
        ({"second_after_days": 1}, "After 1 day without a reaction the second contact is told."),
        ({"parent_after_days": 2}, "After 2 days the parent organisation is told."),
        ({"digest": True}, "What stays open comes again in a weekly list."),
    ],
)
def test_each_term_is_a_sentence(db: None, facts: dict[str, Any], sentence: str) -> None:
    assert sentence in policy_sentences(policy(**facts))


def test_the_regulator_is_named(store: Store) -> None:
    row = policy(regulator=Constituent.objects.get(public_id="moh"), regulator_after_days=14)
    assert "After 14 days moh is told." in policy_sentences(row)


def test_what_a_policy_does_not_do_is_not_said(db: None) -> None:
    said = policy_sentences(policy())
    assert not any(words in said for words in ("second contact", "parent", "weekly"))


def test_a_suppression_names_its_parts(store: Store) -> None:
    bank = Constituent.objects.get(public_id="bank")
    row = suppression(constituent=bank, category="spam", network="2001:db8::1/64", until=AT.date())
    assert suppression_title(row) == "bank, Spam, 2001:db8::/64"


def test_an_address_is_whole_once_somebody_has_said_how_we_are_reached() -> None:
    from tocsin.courier import page_addresses as addresses

    before = list(addresses._base)
    try:
        addresses._base[:] = []
        assert whole("/notices/verify/") == "/notices/verify/"
        reached_at(lambda: "https://cirt.example")
        assert whole("/notices/verify/") == "https://cirt.example/notices/verify/"
    finally:
        addresses._base[:] = before
