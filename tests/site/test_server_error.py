"""What is answered when database or disk fail: a page that says so, and a line in the log.

Neither asks a database: these tests have none.
"""

from __future__ import annotations

import errno
import json
import logging
from http import HTTPStatus
from typing import Any

import pytest
from django.db import DatabaseError, Error, InterfaceError, OperationalError, ProgrammingError
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import get_resolver
from django.utils import translation

from tests.site.database_errors import of_postgresql, of_sqlite
from tocsin.site import server_error as room
from tocsin.site import unusable
from tocsin.site.log_lines import Untold

Raised = Error | OSError | ValueError


@pytest.fixture(autouse=True)
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has been said yet."""
    monkeypatch.setattr(room, "_told_at_s", {})


def answer(error: Raised, request: HttpRequest | None = None) -> HttpResponse:
    """Return what Django answers for an error, as it asks for it."""
    handler: Any = get_resolver().resolve_error_handler(500)
    try:
        raise error
    except type(error):
        answered = handler(request or RequestFactory().get("/findings/?class=scan"))
    assert isinstance(answered, HttpResponse)
    return answered


REFUSED = of_postgresql(OperationalError, None, "connection failed: Connection refused\n\tIs the server running?")
STOPPED = of_postgresql(OperationalError, "57P01", "terminating connection due to administrator command")
DAMAGED = of_sqlite(DatabaseError, 11, "database disk image is malformed")
NO_FILE = of_sqlite(DatabaseError, 26, "file is not a database")
EXTENDED = of_sqlite(OperationalError, 11 | 1 << 8, "database disk image is malformed")
NO_TABLE = of_sqlite(OperationalError, 1, "no such table: django_session")
UNREADABLE = of_sqlite(OperationalError, 10, "disk I/O error")
BARRED = of_sqlite(OperationalError, 14, "unable to open database file")
FULL = of_sqlite(OperationalError, 13, "database or disk is full")


@pytest.mark.parametrize(
    ("error", "heading"),
    [
        (REFUSED, "The database does not answer"),
        (STOPPED, "The database does not answer"),
        (of_postgresql(OperationalError, "53300", "too many connections"), "The database does not answer"),
        (of_postgresql(InterfaceError, None, "the connection is closed"), "The database does not answer"),
        (DAMAGED, "The database is damaged"),
        (NO_FILE, "The database is damaged"),
        (EXTENDED, "The database is damaged"),
        (NO_TABLE, "The database is damaged"),
        (UNREADABLE, "The database is damaged"),
        (BARRED, "The database cannot be opened"),
        (FULL, "The disk is full"),
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full"),
    ],
)
def test_what_failed_is_said_by_a_page_that_says_when_to_ask_again(error: Raised, heading: str) -> None:
    answered = answer(error)
    page = answered.content.decode()
    assert answered.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert (answered["Retry-After"], answered["Cache-Control"]) == ("30", "no-store")
    assert f"<h1>{heading}</h1>" in page and f"<title>{heading} · Tocsin</title>" in page
    assert 'href="/findings/?class=scan"' in page, "one can try again"
    assert "malformed" not in page and "refused" not in page, "what the database says is for the log"


@pytest.mark.parametrize(
    "error",
    [
        of_sqlite(OperationalError, 1, "no such column: began"),
        of_sqlite(OperationalError, 5, "database is locked"),
        of_postgresql(OperationalError, "40P01", "deadlock detected"),
        of_postgresql(ProgrammingError, "42703", "column does not exist"),
        ValueError("of the software"),
    ],
)
def test_an_error_of_the_software_stays_one(error: Raised, caplog: pytest.LogCaptureFixture) -> None:
    answered = answer(error)
    assert answered.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert "Something broke on our side" in answered.content.decode()
    assert caplog.records == [], "Django logs it, with its traceback"


@pytest.mark.parametrize(("error", "status"), [(STOPPED, 503), (DAMAGED, 503), (FULL, 503), (ValueError("ours"), 500)])
def test_machines_that_ask_for_health_are_answered_in_json(
    error: Raised, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    answered = answer(error, RequestFactory().get("/health"))
    assert (answered.status_code, answered["Content-Type"]) == (status, "application/json")
    assert (json.loads(answered.content)["ok"], answered["Cache-Control"]) == (False, "no-store")
    assert len(caplog.records) == (status == 503), "the log has the sentence all the same"


def test_who_has_sent_something_is_told_that_it_may_be_lost() -> None:
    sent = RequestFactory().post("/findings/7/note/", {"note": "x"})
    page = answer(STOPPED, sent).content.decode()
    assert "Whether what you have just sent was saved is not certain." in page
    assert "/findings/7/note/" not in page, "nothing is sent again by a link"
    assert "What you have just sent was not saved." in answer(FULL, sent).content.decode()
    assert "just sent" not in answer(STOPPED).content.decode()


@pytest.mark.parametrize("error", [STOPPED, DAMAGED, BARRED])
def test_the_administrator_is_told_what_to_run(error: Raised) -> None:
    assert '<code class="nowrap">tocsin doctor</code>' in answer(error).content.decode()


def test_the_page_speaks_the_readers_language_and_keeps_the_frame() -> None:
    with translation.override("fr"):
        page = answer(STOPPED).content.decode()
    assert '<html lang="fr" dir="ltr">' in page
    assert '<link rel="stylesheet"' in page and "<main>" in page
    assert "<form" not in page, "a form would need what failed"


def test_a_failure_is_said_in_one_line_however_many_ask(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(50):
        answer(STOPPED)
        answer(REFUSED)
    answer(DAMAGED)
    first, second = caplog.messages
    assert first.startswith("tocsin: The database cannot be used (terminating connection due to administrator command)")
    assert first.endswith("Run `tocsin doctor`: it says what mends it. Pages that need it answer 503 until then.")
    assert "malformed" in second and all(record.exc_info is None for record in caplog.records)


def test_it_is_said_again_after_a_while(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    answer(STOPPED)
    monkeypatch.setattr(room, "TELL_AGAIN_S", 0.0)
    answer(STOPPED)
    assert len(caplog.messages) == 2


def test_a_full_disk_is_named(caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    answer(FULL)
    (said,) = caplog.messages
    assert said == f"tocsin: The disk of {settings.TOCSIN.home} is full. Pages that need it answer 503 until then."


@pytest.mark.parametrize(("status", "is_written"), [(503, False), (500, True), (None, True)])
def test_what_answers_503_has_told_why(status: int | None, is_written: bool) -> None:
    record = logging.LogRecord("django.request", logging.ERROR, "", 1, "Internal Server Error: /", (), None)
    if status:
        record.status_code = status
    assert Untold().filter(record) is is_written


def test_the_states_of_a_database_are_told_from_errors_in_questions() -> None:
    assert unusable.state_of_database(STOPPED) == unusable.AWAY
    assert unusable.state_of_database(ValueError("x")) is None
    assert unusable.state_of_database(OperationalError("without a cause")) is None
