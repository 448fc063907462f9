"""`tocsin feed watch`: take in what is put into a folder."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from tocsin.kernel.names import readable
from tocsin.site.cli.answers import add_json_option, named
from tocsin.site.cli.feed_verbs import telling
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction

DEFAULT_S = 10.0


def add_verbs(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `watch`."""
    parser = verbs.add_parser("watch", help="import what is put into a folder, until stopped")
    parser.add_argument("folder", type=named, metavar="DIR")
    parser.add_argument("--once", action="store_true", help="look once, waiting for files to settle, and end")
    parser.add_argument(
        "--every", type=float, default=DEFAULT_S, metavar="S", help=f"seconds between looks ({DEFAULT_S:.0f})"
    )
    parser.add_argument(
        "--settled",
        type=float,
        default=DEFAULT_S,
        metavar="S",
        help=f"seconds a file must not change ({DEFAULT_S:.0f})",
    )
    add_json_option(parser)
    parser.set_defaults(run=watch)


def watch(options: argparse.Namespace) -> int:
    """Watch a folder."""
    open_instance()
    from tocsin.audit.actors import System
    from tocsin.feeds.watching import Watch
    from tocsin.kernel import clock

    teller = _Teller(as_json=options.json)
    watch = Watch(options.folder, by=System("feed watch"), tell=teller, now=clock.now, settled_s=options.settled)
    _say_what_is_watched(watch.folder, options)
    if options.once:
        watch.look_once()
        return 1 if teller.failed else 0
    watch.run(_told_to_stop(), every_s=options.every)
    return 0


def _told_to_stop() -> threading.Event:
    """Return what is set by SIGTERM or Ctrl-C, so that an import is finished first; a second Ctrl-C interrupts that."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, end)
    return stop


def _say_what_is_watched(folder: Path, options: argparse.Namespace) -> None:
    settled = f"A file is taken in once it has not changed for {options.settled:g} s"
    if options.once:
        said = f"looking once at {readable(str(folder))}. {settled}."
    else:
        said = f"watching {readable(str(folder))}, looking every {options.every:g} s. {settled}; Ctrl-C ends it."
    print(f"tocsin: {said}", file=sys.stderr, flush=True)


class _Teller:
    """Prints what was done; problems go to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json, self.failed = as_json, False

    def __call__(self, sentence: str, data: dict[str, Any]) -> None:
        self.failed |= bool(data.keys() & {"problem", "broken"})
        is_aside = bool(data.keys() & {"problem", "broken", "passed_over", "left", "waiting"})
        if is_aside:
            print(f"tocsin: {sentence}", file=sys.stderr, flush=True)
        if self.as_json:
            print(json.dumps(data, ensure_ascii=False), flush=True)
        elif not is_aside:
            named = telling.corrected(data["summary"]["corrected"], verbose=True) if "summary" in data else []
            print("\n".join([sentence, *named]), flush=True)
