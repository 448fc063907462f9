"""Pages of a running server while its PostgreSQL is away, and after it has come back."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

from tests.commands import environment
from tests.feeds.reports import write
from tests.forwarding import Way
from tests.homes import Home
from tests.site.cli.test_serve import health, serving

PAGES = ("/", "/findings/", "/directory/", "/feeds/", "/sign-in/", "/nothing/")
SIGNED_IN = """
from tocsin.site.starting import set_up_django
set_up_django()
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from tocsin.people.access import SECOND_FACTOR
from tocsin.people.models import Person
person = Person.objects.create(email="nadia@cirt.example", name="Nadia", role="national_administrator")
session = SessionStore()
session[SESSION_KEY], session[SECOND_FACTOR] = str(person.pk), person.pk
session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
session[HASH_SESSION_KEY] = person.get_session_auth_hash()
session.create()
print(session.session_key, end="")
"""


def asked(address: str, session: str, language: str = "en") -> tuple[int, str, Message]:
    """Ask for a page as a signed-in person; return status, text and headers."""
    headers = {"Cookie": f"session={session}", "Accept-Language": language}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode(), answer.headers


@pytest.fixture
def way(on_postgresql: Home) -> Iterator[Way]:
    """A way to the database of an instance."""
    with Way(on_postgresql.settings["database_url"]) as found:
        yield found


@pytest.mark.postgresql
def test_pages_say_that_the_database_is_away_and_work_again_when_it_is_back(
    way: Way, home: Path, tmp_path: Path
) -> None:
    instance = Home(home, database_url=way.address)
    instance.run(write(tmp_path / "in", 0, [1]))
    session = instance.python(SIGNED_IN)
    (finding,) = instance.findings()
    pages = (*PAGES, f"/findings/{finding['id']}/")

    with serving(home, "--only", "web", database_url=way.address) as (process, address):
        health(address)

        def all_pages(language: str = "en") -> list[tuple[int, str, Message]]:
            return [asked(f"{address}{page}", session, language) for page in pages]

        before = [status for status, _text, _headers in all_pages()]
        way.close()
        away = [*all_pages(), *all_pages("fr")]
        well, body, _headers = asked(f"{address}/health", "")
        way.open()
        after = [status for status, _text, _headers in all_pages()]
        process.terminate()
        assert process.stderr
        log = process.stderr.read()

    assert before == after == [200, 200, 200, 200, 200, 404, 200]
    assert {status for status, _text, _headers in away} == {503}
    assert {headers["Retry-After"] for _status, _text, headers in away} == {"30"}
    assert all("<h1>The database does not answer</h1>" in text for _status, text, _headers in away[: len(pages)])
    assert all('<html lang="fr"' in text for _status, text, _headers in away[len(pages) :])
    assert (well, body.startswith('{"ok": false, "database": false')) == (503, True)
    told = [line for line in log.splitlines() if "503 until then" in line]
    assert 1 <= len(told) <= 2, "each of two processes once"
    others = [line for line in log.splitlines() if line not in told]
    assert all(line.startswith(("tocsin: serving ", "tocsin: links that name ")) for line in others), others


ASKING = """
import sys, time
from tocsin.site.starting import set_up_django
set_up_django()
from django.db import connection
from tocsin.jobs import queue
from tocsin.jobs.registry import job
from tocsin.kernel.clock import now
from tocsin.site.serving.worker import main

begun = []

@job("test.ask", lease_s=3)
def ask(payload, running):
    begun.append(True)
    print("begin", flush=True)
    until_s = time.monotonic() + (60 if len(begun) == 1 else 0)
    while time.monotonic() < until_s:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        time.sleep(0.05)
    print("end", flush=True)

queue.enqueue("test.ask", at=now())
sys.exit(main([]))
"""


@pytest.mark.postgresql
def test_a_job_from_which_the_database_is_taken_is_tried_again_and_the_log_has_a_sentence(way: Way, home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ASKING],
        env=environment(home, database_url=way.address),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        try:
            assert worker.stdout and worker.stderr
            first = worker.stdout.readline()
            way.close()
            told = worker.stderr.readline()
            way.open()
            again = [worker.stdout.readline() for _ in range(2)]
        finally:
            worker.terminate()
        _out, log = worker.communicate(timeout=60)

    assert (first, again) == ("begin\n", ["begin\n", "end\n"])
    assert told.startswith("tocsin: The database cannot be used (")
    assert told.endswith("Background work waits until then.\n")
    assert log == ""
