"""Stop and start what goes out, say how it goes, and keep the team's OpenPGP key."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.site.cli.answers import add_json_option, answer, named
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_verbs(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `stop`, `start`, `status` and `key`."""
    stop = verbs.add_parser("stop", help="let nothing leave any more, neither mail nor webhooks")
    stop.add_argument("--reason", required=True, help="why, for whoever finds nothing leaving")
    add_json_option(stop)
    stop.set_defaults(run=run_stop)
    start = verbs.add_parser("start", help="let what waits leave again")
    add_json_option(start)
    start.set_defaults(run=run_start)
    status = verbs.add_parser("status", help="say in a sentence how sending goes")
    add_json_option(status)
    status.set_defaults(run=run_status)
    _add_key(verbs)


def _add_key(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    actions = verbs.add_parser("key", help="the OpenPGP key that signs what goes out").add_subparsers(
        dest="action", metavar="ACTION", required=True
    )
    make = actions.add_parser("make", help="make a key")
    bring = actions.add_parser("import", help="take a private key without passphrase into use")
    bring.add_argument("file", type=named, metavar="FILE", help="the private key, armoured or not")
    for parser in (make, bring):
        parser.add_argument("--replace", action="store_true", help="in place of the key that there is, which is kept")
        add_json_option(parser)
    make.add_argument("--email", default="", help="the address in the key, in place of TOCSIN_MAIL_FROM")
    make.set_defaults(run=run_make_key)
    bring.set_defaults(run=run_import_key)
    export = actions.add_parser("export", help="print the public part, to be given to everybody")
    add_json_option(export)
    export.set_defaults(run=run_export_key)


def run_stop(options: argparse.Namespace) -> int:
    """Stop everything."""
    open_instance()
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.courier import actions
    from tocsin.kernel import clock

    actions.stop_all(reason=options.reason, by=COMMAND_LINE, at=clock.now())
    return _say_status(options, "Nothing leaves until `tocsin mail start`.")


def run_start(options: argparse.Namespace) -> int:
    """Let everything go again."""
    open_instance()
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.courier import actions
    from tocsin.kernel import clock

    actions.start_all(by=COMMAND_LINE, at=clock.now())
    return _say_status(options, "What waits leaves from now on.")


def run_status(options: argparse.Namespace) -> int:
    """Say how sending goes."""
    open_instance()
    return _say_status(options, "")


def _say_status(options: argparse.Namespace, done: str) -> int:
    from django.utils import translation

    from tocsin.courier import queries
    from tocsin.kernel import clock

    health = queries.health(at=clock.now())
    with translation.override("en"):
        says = queries.in_words(health).rstrip(".") + "."
    data = {
        "ok": health.is_well,
        "says": says,
        "stopped": health.line.is_stopped,
        "reason": health.line.reason,
        "problem": health.line.problem,
        "waiting": health.waiting,
        "failed": health.failed,
        "sent": health.counts.get("sent", 0),
        "held": health.counts.get("held", 0),
    }
    answer(options, f"{done} {says}".strip(), data)
    return 0


def run_make_key(options: argparse.Namespace) -> int:
    """Make a key for the team."""
    open_instance()
    from django.conf import settings

    from tocsin.courier import composing, mail_addresses, team_key

    address = mail_addresses.checked(options.email or composing.sender())
    content = team_key.made(settings.TOCSIN.team_name, address)
    return _take_into_use(options, content)


def run_import_key(options: argparse.Namespace) -> int:
    """Take a key into use that somebody brings."""
    open_instance()
    from tocsin.courier import team_key

    return _take_into_use(options, team_key.checked(_content(options.file)))


def _content(path: Path) -> bytes:
    from tocsin.courier.team_key import LARGEST_BYTES
    from tocsin.kernel.refusals import InvalidInput

    try:
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"it cannot be read ({error.strerror}).", where=str(path)) from error


def _take_into_use(options: argparse.Namespace, content: bytes) -> int:
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.courier import team_key
    from tocsin.kernel import clock

    event = team_key.take_into_use(content, replace=options.replace, by=COMMAND_LINE, at=clock.now())
    words = f"The team's key is {event.fingerprint}. `tocsin mail key export` prints the public part."
    answer(options, words, {"fingerprint": event.fingerprint, "before": event.before})
    return 0


def run_export_key(options: argparse.Namespace) -> int:
    """Print the public part of the team's key."""
    open_instance()
    from tocsin.courier import team_key

    public = team_key.public()
    answer(options, public.rstrip("\n"), {"fingerprint": team_key.fingerprint(), "public_key": public})
    return 0
