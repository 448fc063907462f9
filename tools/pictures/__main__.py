"""Take a picture of every page, in light, dark, French, right to left, at 320 px, and there with touch.

    python -m tools.pictures FOLDER [--scene NAME]… [--manner NAME]… [--only WORD]
    python -m tools.pictures FOLDER --address URL [--sign-in LINK] [--enrol LINK]… [--scene NAME]

Without an address it loads and serves instances of its own, in every scene of
tools/pictures/pages.toml, and removes them afterwards. With --address it looks
at one that runs, in the scene that is named (demo): --sign-in takes a one-time
link of a demonstration, without which only pages for nobody are seen; --member
that of a member, without which the pages below /my/ ask to sign in; --enrol
that of `tocsin init` or `tocsin user create`, a second one shows the steps of
enrolling in French. Right to left shows English in Arabic letters, so that
every text and number stands as it would; an instance that runs already does
not speak that, and is shown with the English text in a mirrored page.
FOLDER/index.html shows all on one page. Exits 1 when a page is broken, scrolls
sideways or cannot be reached, or when something in it is too low for a finger.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import signal
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Error, sync_playwright

from tools.pictures import scenes, sheet
from tools.pictures.browser import launch
from tools.pictures.scenes import Instance
from tools.pictures.taking import MANNERS, Camera, Described, Manner, Taken

PAGES = Path(__file__).with_name("pages.toml")
REPORTED_S = 5.0
"""How often it says how far it is, where there is no terminal."""


@dataclasses.dataclass
class Progress:
    """What was taken so far, told as it goes on."""

    wanted: int
    taken: dict[str, list[Taken]] = dataclasses.field(default_factory=dict)
    failures: list[str] = dataclasses.field(default_factory=list)
    """Why no more pictures could be taken."""
    scene: str = ""
    _told: float = 0.0

    def begin(self, scene: str) -> None:
        """Count to this scene from here on."""
        self.scene = scene
        self.taken.setdefault(scene, [])

    def note(self, taken: Taken) -> None:
        """Count a picture; say so, and name its faults."""
        self.taken[self.scene].append(taken)
        done = sum(map(len, self.taken.values()))
        line = f"{done:4d} of {self.wanted}  {taken.page}, {taken.manner}"
        if sys.stderr.isatty():
            print(f"\r\033[K{line}", end="\n" if done == self.wanted else "", file=sys.stderr, flush=True)
        elif time.monotonic() - self._told > REPORTED_S or done == self.wanted:
            self._told = time.monotonic()
            print(line, file=sys.stderr, flush=True)
        for fault in taken.faults:
            tell(f"{taken.page}, {taken.manner}: {fault}")

    @property
    def faults(self) -> list[str]:
        """Every fault, with the picture that shows it."""
        every = [taken for some in self.taken.values() for taken in some]
        found = [f"{taken.page}, {taken.manner}: {fault}" for taken in every for fault in taken.faults]
        return self.failures + found


def tell(sentence: str) -> None:
    """Say on standard error what goes on."""
    start = "\r\033[K" if sys.stderr.isatty() else ""
    print(f"{start}{sentence}", file=sys.stderr, flush=True)


def main() -> int:
    """Take the pictures; return 1 when some page has a fault."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(143))  # so that what was set up is taken down
    every = tomllib.loads(PAGES.read_text(encoding="utf-8"))["page"]
    pages = [page for page in every if options.only in page["name"] and _scene(page) in options.scene]
    manners = [manner for manner in MANNERS if manner.name in options.manner]
    options.folder.mkdir(parents=True, exist_ok=True)
    progress = Progress(len(pages) * len(manners))
    try:
        _take(options, pages, manners, progress)
    except (RuntimeError, Error) as error:
        progress.failures.append(str(error).rstrip())
        tell(progress.failures[-1])
    columns = {manner.name: manner.is_narrow for manner in MANNERS}
    place = sheet.write(options.folder, every, columns, faults=progress.faults)
    print(_table(progress, every))
    print(f"Pictures are in {options.folder}; {place} shows all.")
    return 1 if progress.faults else 0


def _scene(page: Described) -> str:
    scene: str = page.get("scene", "demo")
    return scene


def _take(
    options: argparse.Namespace, pages: Sequence[Described], manners: Sequence[Manner], progress: Progress
) -> None:
    wanted = {_scene(page) for page in pages}
    with sync_playwright() as playwright, contextlib.closing(_instances(options, wanted)) as instances:
        browser = launch(playwright)
        camera = Camera(browser, options.folder, manners, progress.note)
        for scene, instance in instances:
            progress.begin(scene)
            camera.take(instance, [page for page in pages if _scene(page) == scene])
        browser.close()


def _instances(options: argparse.Namespace, wanted: set[str]) -> Iterator[tuple[str, Instance]]:
    """Yield each scene with its instance: the one that was named, or those of our own."""
    if not options.address:
        yield from scenes.in_turn(wanted, tell)
        return
    for scene in wanted:
        yield scene, Instance(options.address, options.sign_in, options.member, tuple(options.enrol))


def _table(progress: Progress, every: Sequence[Described]) -> str:
    """Return how many pages and pictures there are of each scene, and how many faults."""
    pages = Counter(map(_scene, every))
    rows = [("scene", "pages", "pictures", "faults")]
    for scene, taken in progress.taken.items():
        faults = sum(len(each.faults) for each in taken)
        shown = len({each.page for each in taken})
        rows.append((scene, f"{shown} of {pages[scene]}", str(len(taken)), str(faults)))
    total = [taken for some in progress.taken.values() for taken in some]
    rows.append(("all", "", str(len(total)), str(len(progress.faults))))
    return "\n".join(f"{name:10}{shown:>10}{taken:>10}{faults:>8}" for name, shown, taken, faults in rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.pictures", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [manner.name for manner in MANNERS]
    parser.add_argument("folder", type=Path)
    parser.add_argument("--address", metavar="URL", default="", help="of an instance that runs: http://127.0.0.1:8000")
    parser.add_argument("--sign-in", metavar="LINK", default="")
    parser.add_argument("--member", metavar="LINK", default="")
    parser.add_argument("--enrol", metavar="LINK", action="append", default=[])
    parser.add_argument("--scene", metavar="NAME", action="append", choices=scenes.SCENES, help="default: all")
    parser.add_argument("--manner", metavar="NAME", action="append", choices=names, help="default: all")
    parser.add_argument("--only", metavar="WORD", default="", help="only pages whose name contains it")
    options = parser.parse_args()
    for link in filter(None, [options.sign_in, *options.enrol]):
        # The cookies are of the host that the link names, be it localhost or 127.0.0.1.
        options.address = "{0.scheme}://{0.netloc}".format(urlsplit(link))
    options.manner = options.manner or names
    options.scene = options.scene or (["demo"] if options.address else list(scenes.SCENES))
    if options.address and len(options.scene) > 1:
        parser.error("an instance that runs is in one scene")
    return options


if __name__ == "__main__":
    sys.exit(main())
