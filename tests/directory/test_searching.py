"""Constituents are found by their names however they are typed."""

from __future__ import annotations

import importlib
import unicodedata

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.directory.conftest import AT, BY
from tocsin.directory import actions, queries
from tocsin.directory.models import Constituent
from tocsin.kernel.collation import ALIKE

pytestmark = pytest.mark.django_db

STEP = importlib.import_module("tocsin.directory.migrations.0002_fold_ligatures")


def found(text: str) -> list[str]:
    """Return the names of those that a text finds."""
    rows = queries.constituents_matching(text, Constituent.objects.all())
    return [row.name for row in rows]


@pytest.fixture
def works(db: None) -> str:
    """A name that has what few keyboards have."""
    name = "Œuvre de Þórshöfn, à l’Ærø"
    actions.add_constituent(public_id="works", name=name, sector="other", by=BY, at=AT)
    actions.add_constituent(public_id="other", name="Ministry", names={"fr": "Ministère"}, sector="other", by=BY, at=AT)
    return name


@pytest.mark.parametrize("text", ["oeuvre", "OEUVRE", "Œuvre", "œuvre", "thorshofn", "l'aero", "l’Ærø", "à l'ær"])
def test_a_name_is_found_however_it_is_typed(works: str, text: str) -> None:
    assert found(text) == [works]


def words_of_before(row: Constituent) -> str:
    """Return what version 0.1.0 stored to search by."""
    lines = (row.public_id, row.name, *row.names.values())
    kept = (unicodedata.normalize("NFKD", each.casefold()) for each in lines)
    return "\n".join("".join(sign for sign in each if not unicodedata.combining(sign)) for each in kept)


def test_names_of_an_instance_of_before_are_folded_with_the_upgrade_in_one_statement(works: str) -> None:
    every = "".join(ALIKE) + "".join(ALIKE).upper()
    actions.add_constituent(public_id="all", name=f"ſß {every}", names={"da": every}, sector="other", by=BY, at=AT)
    now = dict(Constituent.objects.values_list("pk", "search_words"))
    for row in Constituent.objects.all():
        Constituent.objects.filter(pk=row.pk).update(search_words=words_of_before(row))
    assert found("oeuvre") == []

    with CaptureQueriesContext(connection) as asked:
        STEP.fold(apps, None)
    STEP.fold(apps, None)

    assert dict(Constituent.objects.values_list("pk", "search_words")) == now and len(asked) == 1
    assert works in found("oeuvre")
    assert STEP.ALIKE == ALIKE, "what is folded otherwise needs a migration of its own"
