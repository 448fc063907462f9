"""`tocsin doctor`: each thing that can be wrong gets one line with its fix."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands import Command, Completed
from tests.homes import Home
from tocsin.kernel import clock
from tocsin.site import examination, instance
from tocsin.site.config import Config

NOBODY_YET = "accounts: no national administrator can sign in yet."
"""What is remarked of an instance as `tocsin init` leaves it, whatever else is said."""


def to_mend(done: Completed) -> list[str]:
    """Return what doctor says must be mended, which stands before what it remarks."""
    return [line for line in done.stdout.splitlines() if not line.startswith(NOBODY_YET)]


def test_a_fresh_instance_needs_nothing(ready: Path, tocsin: Command) -> None:
    done = tocsin("doctor")
    assert done.returncode == 0, done.stdout
    first, remark = done.stdout.splitlines()
    assert first.startswith("Nothing to mend")
    assert remark.startswith(f"{NOBODY_YET} A link for the first is open until ")


WITHOUT_LINK = """
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.people.models import EnrolmentLink
EnrolmentLink.objects.all().delete()
"""


def test_an_instance_that_nobody_can_administer_is_named_with_the_way_in(ready: Path, tocsin: Command) -> None:
    Home(ready).python(WITHOUT_LINK)
    tocsin("user", "create", "--email", "ana@cirt.example", "--role", "analyst")
    done = tocsin("doctor")
    says = "accounts: no national administrator can sign in. Run: tocsin init (it prints a link)\n"
    assert (done.returncode, done.stdout) == (1, says)
    assert "/sign-in/enrol/" in tocsin("init").stdout
    assert tocsin("doctor").returncode == 0


def test_it_answers_in_json(ready: Path, tocsin: Command) -> None:
    answer = json.loads(tocsin("doctor", "--json").stdout)
    assert answer["ok"] is True
    assert {"python", "disk", "database", "migrations", "keys"} <= {check["about"] for check in answer["checks"]}


FAILED = """
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.jobs.models import Job
from tocsin.kernel.clock import now
times = {name: now() for name in ("made_at", "run_after", "finished_at")}
Job.objects.create(kind="feeds.ordered", payload={"what": "withdraw", "run": 7, "by": ["person:1", "Ana"]},
                   state="failed", last_error="run 7 has no report that counts.", **times)
Job.objects.create(kind="jobs.sweep", key="every:jobs.sweep:1", state="failed", last_error="It broke.", **times)
"""


def test_orders_and_work_that_failed_get_a_line_each(ready: Path, tocsin: Command) -> None:
    Home(ready).python(FAILED)

    done = tocsin("doctor")

    assert done.returncode == 1
    assert to_mend(done) == [
        "orders: Withdraw run 7 came to nothing: run 7 has no report that counts. "
        "Try it again or take it off the list, on the page Feeds and runs.",
        "jobs: jobs.sweep failed: It broke. Mend what it names; the log of the worker says more.",
    ]


WAITING = """
import datetime as dt
from tocsin.site.starting import set_up_django
set_up_django()
from tocsin.jobs.queue import enqueue
enqueue("feeds.reattribute", at=dt.datetime(2026, 11, 19, 10, 42, tzinfo=dt.UTC))
"""


def test_work_that_waits_without_a_worker_is_named_with_the_command_that_does_it(ready: Path, tocsin: Command) -> None:
    Home(ready).python(WAITING)
    said = "worker: 1 job waits since 2026-11-19 10:42 UTC, and no worker runs. Run: tocsin serve"

    assert to_mend(tocsin("doctor")) == [said]
    with instance.serving_lock(ready, alone=False):  # as the web part has it when it runs apart
        assert to_mend(tocsin("doctor")) == [f"{said} --only worker"]
    os.mkfifo(ready / "worker.bell")
    pipe = os.open(ready / "worker.bell", os.O_RDWR | os.O_NONBLOCK)  # as a worker has it, busy or not
    checks = json.loads(tocsin("doctor", "--json").stdout)["checks"]
    os.close(pipe)
    assert [check["says"] for check in checks if check["about"] == "worker"] == [
        "1 job waits for a worker that is busy"
    ]


def test_every_wrong_setting_gets_a_line_of_its_own(ready: Path, tocsin: Command) -> None:
    (ready / "tocsin.toml").write_text('languge = "fr"\ntime_zone = "Mars/Base"\nmemory_mb = 64\ncolour = 1\n')
    secret = "short, and no one else's business"[:20]
    done = tocsin("doctor", port="http", language="xx", secret_key=secret, tls_key=ready / "none.pem", bind="banana")
    toml = ready / "tocsin.toml"
    assert done.returncode == 1
    assert sorted(done.stdout.splitlines()) == [
        "address: the server would not start. TOCSIN_BIND: 'banana' is not an address. Write 127.0.0.1, 0.0.0.0 or ::.",
        "address: the server would not start. TOCSIN_TLS_CERT and TOCSIN_TLS_KEY belong together; set both or neither.",
        f"settings: one cannot be used. {toml}: there is no setting 'colour'. Take it out.",
        f"settings: one cannot be used. {toml}: there is no setting 'languge'. Is it 'language'?",
        "settings: one cannot be used. TOCSIN_LANGUAGE: 'xx' is none of en, fr.",
        "settings: one cannot be used. TOCSIN_MEMORY_MB: 64 is not between 128 and 65536.",
        "settings: one cannot be used. TOCSIN_PORT: 'http' is not a whole number.",
        "settings: one cannot be used. TOCSIN_SECRET_KEY: it has fewer than 32 letters. "
        "Leave it out, and `tocsin init` makes one.",
        "settings: one cannot be used. TOCSIN_TIME_ZONE: there is no time zone 'Mars/Base'. "
        "Write it as Africa/Nairobi; when that is unknown too, run: apt install tzdata",
    ]
    refused = tocsin("finding", "list", language="xx")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), "other commands name the first"


def test_an_instance_that_is_none_is_told_to_init(tocsin: Command, home: Path) -> None:
    done = tocsin("doctor")
    assert done.returncode == 1
    assert (
        done.stdout
        == f"instance: {home} is not set up. Run: tocsin init; or set TOCSIN_HOME to where the instance is\n"
    )


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"time_zone": "Mars/Olympus"}, "settings: one cannot be used. TOCSIN_TIME_ZONE"),
        ({"bind": "0.0.0.0"}, "address: the server would not start. 0.0.0.0"),
        ({"tls_cert": "missing.pem"}, "address: the server would not start. TOCSIN_TLS_CERT"),
        ({"gone_after": "0"}, "settings: one cannot be used. TOCSIN_GONE_AFTER: 0 is not between"),
        ({"memory_mb": "16"}, "settings: one cannot be used. TOCSIN_MEMORY_MB: 16 is not between"),
        ({"database_url": "postgresql://x@127.0.0.1:1/x"}, "database: cannot be used"),
    ],
)
def test_a_wrong_setting_gets_one_line_with_its_fix(
    ready: Path, tocsin: Command, settings: dict[str, str], line: str
) -> None:
    done = tocsin("doctor", **settings)
    assert done.returncode == 1
    (only,) = to_mend(done)
    assert only.startswith(line)


def test_what_others_can_read_is_named_with_the_command_that_closes_it(tocsin: Command, ready: Path) -> None:
    ready.chmod(0o755)
    key = ready / "keys/session.key"
    key.chmod(0o644)
    assert to_mend(tocsin("doctor")) == [
        f"home: {ready} is open to others. Run: chmod go-rwx {ready}",
        f"keys: {key} is open to others. Run: chmod go-rwx {key}",
    ]


def test_a_missing_step_is_named(tocsin: Command, ready: Path) -> None:
    with closing(sqlite3.connect(ready / "tocsin.sqlite3")) as connection, connection:
        connection.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    assert "migrations: 1 step missing. Run: tocsin upgrade\n" in tocsin("doctor").stdout


def test_a_damaged_database_file_is_found(tocsin: Command, ready: Path) -> None:
    with (ready / "tocsin.sqlite3").open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 8192)
    done = tocsin("doctor")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "database file: " in done.stdout or "database: " in done.stdout


def test_a_full_disk_and_a_wrong_clock_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(home=tmp_path / "not" / "there")
    monkeypatch.setattr(examination, "LEAST_DISK_BYTES", 10**18)
    (disk,) = examination._disk(config)
    assert "Make room" in disk.fix
    monkeypatch.setattr(examination, "now", lambda: clock.now().replace(year=1980))
    (time,) = examination._clock(config)
    assert "Set the clock" in time.fix


def test_a_catalogue_that_is_not_compiled_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = tmp_path / "fr/LC_MESSAGES/django.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text("")
    monkeypatch.setattr(examination, "LOCALE", tmp_path)
    assert [verdict.fix for verdict in examination._translations(Config())] == ["Run: make i18n"]
    catalogue.with_suffix(".mo").write_bytes(b"")
    assert [verdict.fix for verdict in examination._translations(Config())] == [""]


def test_a_mapping_file_that_is_none_is_named(tocsin: Command, ready: Path) -> None:
    (ready / "mappings").mkdir()
    (ready / "mappings/my.toml").write_text("[feed")
    (ready / "mappings/other.toml").write_text("[feed]\ncolour = 1\n")

    done = tocsin("doctor")

    assert done.returncode == 1
    first, second = to_mend(done)
    assert first.startswith("mappings: nothing can be imported. mappings/my.toml: ")
    assert second.startswith("mappings: nothing can be imported. mappings/other.toml, [feed] colour: ")


KEPT = """
from tocsin.site.starting import set_up_django
set_up_django()
import datetime as dt
from django.conf import settings
from tocsin.courier.incoming import keeping, receiving
from tocsin.kernel.clock import now
row = receiving.keep(b"Subject: one\\n\\nx", at=now() - dt.timedelta(hours=1))
gone = receiving.receive(b"Subject: two\\n\\nx", at=now())
keeping.path_of(settings.TOCSIN.home, gone.sha256).unlink()
"""


def test_mail_that_nobody_looked_into_and_mail_that_is_gone_are_named(tocsin: Command, ready: Path) -> None:
    assert "mail: every message that came in was looked into" in _all_of(tocsin)
    Home(ready).python(KEPT)
    done = tocsin("doctor")
    assert done.returncode == 1
    assert "mail: 1 message that came in was not looked into. See that a worker runs: tocsin serve\n" in done.stdout
    assert (
        "mail: the file of message 2 is missing. Restore the last backup: tocsin restore FILE --force\n" in done.stdout
    )


def _all_of(tocsin: Command) -> str:
    checks = json.loads(tocsin("doctor", "--json").stdout)["checks"]
    return "\n".join(f"{each['about']}: {each['says']}" for each in checks)
