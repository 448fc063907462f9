"""`/health`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tocsin import __version__


@pytest.mark.django_db
def test_health_is_public_and_tells_no_more_than_it_must(client: Client) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"ok": True, "database": True, "migrations": True, "version": __version__}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_a_step_that_is_missing_makes_it_unwell(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json() == {"ok": False, "database": True, "migrations": False, "version": __version__}


@contextmanager
def refused() -> Iterator[None]:
    raise OperationalError("password authentication failed for user tocsin")
    yield


@pytest.mark.django_db
def test_a_database_that_is_gone_is_said_without_its_words(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "cursor", refused)
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json() == {"ok": False, "database": False, "migrations": False, "version": __version__}


def test_nothing_can_be_posted_to_it(client: Client) -> None:
    assert client.post("/health").status_code == 405
