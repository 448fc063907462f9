"""`tocsin demo`: a fictional country with data in real formats, to look at and to try things on."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.site.cli.answers import add_json_option, answer, named, port
from tocsin.site.cli.feed_verbs.telling import day

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from tocsin.site.config import Config

HOME = Path("var/demo")
_REAL = ("TOCSIN_DATABASE_URL", "TOCSIN_DATABASE_URL_FILE", "TOCSIN_CONFIG")
"""Settings that would lead a demonstration to the real instance."""


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `demo`."""
    parser = commands.add_parser("demo", help="load a fictional country, serve it, and print a one-time sign-in link")
    parser.add_argument("--port", type=port, metavar="N", help="port to listen on (TOCSIN_PORT, else 8000)")
    parser.add_argument("--home", type=named, default=HOME, metavar="DIR", help=f"its data directory ({HOME})")
    parser.add_argument("--no-serve", action="store_true", help="load it and end")
    parser.add_argument("--today", type=day, metavar="DATE", help="last of its seven days (the day of loading)")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Load the demonstration if need be, print how to get in, and serve it."""
    from tocsin.kernel import clock
    from tocsin.site.demo import loading
    from tocsin.site.serving import serve
    from tocsin.site.serving.addresses import check_free, listening

    config = _config(options)
    _refuse_beside_itself(config)
    if not options.no_serve:
        check_free(listening(config))
    loaded = loading.make_ready(config, options.today, now=clock.now(), tell=_tell)
    link = loading.sign_in_link(config)
    place = f"Meridia is at {config.home}, as of {loaded.today}."
    said = f"{place} Open this link once, on this machine, to sign in:\n    {link}"
    data = {"home": str(config.home), "today": loaded.today.isoformat(), "loaded": loaded.fresh, "sign_in": link}
    if member := loading.member_link(config):
        said += f"\nThe same as a member of one of its organisations, in another browser:\n    {member}"
        data["sign_in_member"] = member
    answer(options, said, data)
    sys.stdout.flush()
    return 0 if options.no_serve else serve(config)


def _refuse_beside_itself(config: Config) -> None:
    """Raise Busy, saying where it is, when this demonstration is served already."""
    from tocsin.kernel.refusals import Busy
    from tocsin.site import instance

    if instance.is_demonstration(config.home) and (url := instance.served_at(config.home)):
        raise Busy(f"`tocsin demo` runs already, at {url}. For a new link stop it with Ctrl-C, then start it again.")


def _config(options: argparse.Namespace) -> Config:
    """Return the settings of the demonstration: its own data directory and database, whatever the surroundings say."""
    from tocsin.site.config import load

    for name in _REAL:
        os.environ.pop(name, None)
    os.environ["TOCSIN_HOME"] = str(options.home.absolute())
    if options.port is not None:
        os.environ["TOCSIN_PORT"] = str(options.port)
    config = load()
    return dataclasses.replace(config, allowed_hosts=("localhost", "127.0.0.1", "[::1]"))


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
