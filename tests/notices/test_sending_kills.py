"""Worker and mail server are killed while notices go: each is sent once in the ledger, and nobody is left out.

PostgreSQL is taken away, too, and comes back: every third time, instead of a kill.
What has gone while they waited is told to nobody, and its notice is dropped once.

TOCSIN_TEST_KILLS says how often they are killed.
"""

from __future__ import annotations

import collections
import random
import time
from pathlib import Path

import pytest

from tests.courier.test_kills import KILLS, _wait_for, arrived, running, strike, taken_away_at_will
from tests.feeds.reports import write
from tests.processes import Instance

NOTICES, GONE = 30, 3
PREPARE = """
    import datetime as dt
    from pathlib import Path
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.directory import actions as directory
    from tocsin.directory.models import Constituent, Contact
    from tocsin.engine.run import Options
    from tocsin.feeds import intake
    from tocsin.feeds import queries as feeds
    from tocsin.feeds.models import Feed
    from tocsin.kernel.clock import now
    from tocsin.notices import actions
    from tocsin.notices.models import Notice, NoticeFinding, Policy

    at, by_at = now(), {"by": COMMAND_LINE, "at": now()}
    for name, network in (("moh", "192.0.2.0/26"), ("bank", "192.0.2.64/26"), ("port", "192.0.2.128/26")):
        directory.add_constituent(public_id=name, name=name, sector="health", **by_at)
        row = Constituent.objects.get(public_id=name)
        directory.add_contact(row, email=f"soc@{name}.example", **by_at)
        actions.add_policy(constituent=row, tlp="GREEN", **by_at)
        directory.add_claim(row, kind="network", value=network, **by_at)
    asked = {"options": Options(gone_after=1, accept_drop=True), "by": COMMAND_LINE, "at": at, "wait_s": 0}
    intake.import_reports([Path("REPORT")], **asked)
    Feed.objects.update(tlp="GREEN")
    places = {feeds.asset_of(each): feeds.finding_id(each) for each in feeds.findings().stream(feeds.Filter())}
    addressed = list(Contact.objects.order_by("pk"))
    for number in range(NOTICES):
        contact = addressed[number % 3]
        notice = Notice.objects.create(
            reference=f"ref{number:07}", constituent=contact.constituent, contact=contact, to=contact.email,
            policy=Policy.objects.get(constituent=contact.constituent), language="en", tlp="GREEN",
            severity=1 + number % 6, not_before=at, made_at=at, new=1)
        finding = places[f"192.0.2.{64 * (number % 3) + 1 + number // 3}"]
        NoticeFinding.objects.create(notice=notice, finding=finding, why="new")
        actions.preview_notice(notice, **by_at)
    done = actions.send_notices(list(Notice.objects.all()), most=50, **by_at)
    print(len(done.references), len(done.refused))
    intake.import_reports([Path("LATER")], **asked)
"""
WORKER = """
    import datetime as dt, os, sys, time
    from django.db import Error, close_old_connections
    from tocsin.courier import rules, sending
    from tocsin.kernel.clock import now
    from tocsin.notices import following

    rules.FIRST_PAUSE = rules.FIRST_PAUSE_OF_LINE = dt.timedelta(seconds=0.05)
    rules.LONGEST_PAUSE = rules.LONGEST_PAUSE_OF_LINE = dt.timedelta(seconds=0.1)
    print("ready", flush=True)
    while True:
        try:
            sending.drain(sending.Turn(f"worker:{os.getpid()}", lease=dt.timedelta(seconds=1)))
            following.settle(at=now())
        except Error as error:  # as the worker of `serve`: it tries again
            print(type(error).__name__, file=sys.stderr)
        close_old_connections()
        time.sleep(0.02)
"""
LEFT = """
    from django.db.models import F
    from tocsin.audit.queries import verify
    from tocsin.notices.models import LedgerEntry, Notice, Told
    left = Notice.objects.exclude(state__in=("sent", "discarded")).count()  # first: others go on meanwhile
    entries = LedgerEntry.objects.filter(what="sent").count(), LedgerEntry.objects.filter(what="discarded").count()
    told = Told.objects.filter(first_at=F("last_at")).count()
    print(left, *entries, told, verify().broken_at)
"""


@pytest.mark.slow
def test_each_notice_is_sent_once_in_the_ledger_whoever_is_killed(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.courier.test_kills.WORKER", WORKER)
    inbox, chance = tmp_path / "inbox", random.Random(11)
    inbox.mkdir()
    instance.environment |= {"TOCSIN_MAIL_FROM": "cirt@cirt.example"}
    hosts = [64 * block + 1 + number for block in range(3) for number in range(NOTICES // 3)]
    still = [host for host in hosts if host % 64 != NOTICES // 3]
    reports = {"REPORT": write(tmp_path, 0, hosts), "LATER": write(tmp_path, 1, still)}
    prepare = PREPARE.replace("NOTICES", str(NOTICES))
    for word, path in reports.items():
        prepare = prepare.replace(word, str(path))
    assert instance.run(prepare).split() == [str(NOTICES), "0"]
    with taken_away_at_will(instance) as way, running(instance, inbox) as (server, worker):
        for kill in range(KILLS):
            strike(way, chance, kill, server, worker)
            _wait_for(inbox, min((kill + 1) * NOTICES // (KILLS + 1), NOTICES - GONE))
        until = time.monotonic() + 120
        while (said := instance.run(LEFT).split())[0] != "0":
            assert time.monotonic() < until, said
            time.sleep(0.3)
    left = NOTICES - GONE
    assert said == ["0", str(left), str(GONE), str(left), "None"]
    taken = arrived(inbox)
    print(f"{left} notices sent, {GONE} dropped, {KILLS} kills, {len(taken) - left} duplicates")
    assert len({message_id for _to, message_id, _content in taken}) == len(set(taken)) == left
    assert collections.Counter(to for to, _id, _content in set(taken)) == {
        f"soc@{name}.example": left // 3 for name in ("moh", "bank", "port")
    }
    assert len(taken) <= left + KILLS
