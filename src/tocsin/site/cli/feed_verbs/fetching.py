"""`tocsin feed fetch`: take from the publisher what is not here, and import it."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from typing import TYPE_CHECKING, Any

from tocsin.kernel.counting import counted
from tocsin.site.cli.answers import add_json_option, answer
from tocsin.site.cli.feed_verbs.telling import Bar, day, positive, said_when_waiting, seconds, sentences
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from tocsin.feeds.fetching import Asked, Offers

MOST_DAYS = 92


def add_verbs(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `fetch`."""
    parser = verbs.add_parser("fetch", help="take from Shadowserver the reports that are not here, and import them")
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--date", type=day, metavar="DATE", help="the reports of one day, also those that were broken")
    when.add_argument("--days", type=_days, metavar="N", help="today and so many days before it (7)")
    parser.add_argument("--type", action="append", default=[], metavar="TYPE", help="only this report type")
    parser.add_argument("--list", action="store_true", help="say what there is, and take nothing")
    parser.add_argument("--wait", type=seconds, default=60, metavar="S", help="seconds to wait for another import")
    add_json_option(parser)
    parser.set_defaults(run=fetch)


def _days(text: str) -> int:
    number = positive(text)
    if number > MOST_DAYS:
        raise argparse.ArgumentTypeError(f"must be {MOST_DAYS} or less")
    return number


def fetch(options: argparse.Namespace) -> int:
    """Fetch and import, or list."""
    open_instance()
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.feeds import fetching
    from tocsin.kernel import clock

    now = clock.now()
    asked = _asked(options, now.date())
    if options.list:
        return _list(options, asked)
    downloading, importing = Bar(), Bar()
    done = fetching.fetch(
        asked,
        by=COMMAND_LINE,
        at=now,
        wait_s=options.wait,
        waiting=said_when_waiting(options.wait),
        downloading=downloading,
        importing=importing,
    )
    importing.close()
    for sentence in _problems(done):
        print(f"tocsin: {sentence}", file=sys.stderr)
    answer(options, "\n".join(_sentences(done)), done)
    return 1 if done["refused"] or done["broken"] or done["odd"] else 0


def _asked(options: argparse.Namespace, today: dt.date) -> Asked:
    from tocsin.feeds.fetching import DAYS, Asked, last_days

    days = (options.date,) if options.date else last_days(today, options.days or DAYS)
    return Asked(days, frozenset(options.type), again=bool(options.date))


def _problems(done: dict[str, Any]) -> list[str]:
    refused = [f"{each['file']}: {each['reason']} It is tried again next time." for each in done["refused"]]
    return [*done["odd"], *refused, *(each["reason"] for each in done["broken"])]


def _sentences(done: dict[str, Any]) -> list[str]:
    """Say what was done."""
    when = f"of {done['last']}" if done["first"] == done["last"] else f"from {done['first']} to {done['last']}"
    if not done["offered"]:
        return [f"The publisher has no report {when}."]
    said = [f"The publisher has {counted(done['offered'], 'report')} {when}; {done['known']} taken before."]
    if done["summary"]:
        said += [f"{counted(len(done['fetched']), 'report')} fetched.", *sentences(done["summary"])]
    elif not done["refused"]:
        said.append("Nothing new.")
    if done["closed"]:
        said.append(f"Closed: {', '.join(each['type'] + ' of ' + each['date'] for each in done['closed'])}.")
    return said


def _list(options: argparse.Namespace, asked: Asked) -> int:
    """Say what the publisher has. No id: whoever knows one can download the report."""
    from django.conf import settings

    from tocsin.feeds.fetching import offers
    from tocsin.feeds.publisher import Publisher

    found = offers(Publisher(settings.TOCSIN), asked)
    for sentence in found.odd:
        print(f"tocsin: {sentence}", file=sys.stderr)
    rows = [
        {
            "file": offer.report.file,
            "type": offer.report.type,
            "date": offer.report.on.isoformat(),
            "list": offer.report.subscription,
            "state": offer.state,
            "reason": offer.problem,
        }
        for offer in found.offers
    ]
    answer(options, _lines(found), {"reports": rows, "odd": list(found.odd)})
    return 1 if found.odd else 0


def _lines(found: Offers) -> str:
    words = {"new": "not taken yet", "here": "downloaded, not imported yet", "imported": "taken"}
    words |= {"broken": "could not be read", "refused": "not downloaded"}
    return "\n".join(f"{offer.report.file}: {words[offer.state]}" for offer in found.offers) or "There is none."
