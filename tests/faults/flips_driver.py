"""Change one byte after the other in the files of an instance, and ask everything each time. Runs in its own process.

Reads `home`, `files` (paths relative to it) and `swapped` (pairs of paths) as JSON. Prints a list of rounds: which
file, what was done to it, and what each command and page answered that was not its answer before.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import random
import re
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tocsin.site.cli import run
from tocsin.site.starting import open_instance

EXPORT = ("finding", "export", "--format", "csv")
COMMANDS = (
    ("doctor", "--thorough"),
    ("finding", "list"),
    EXPORT,
    ("feed", "expire", "--dry-run"),
    ("feed", "refold"),
)
"""In this order: the last one mends."""
PAGES = ("/", "/findings/{finding}/", "/feeds/quarantine/", "/directory/unattributed/", "/findings/export.csv")
SHOWN_ANEW = r'<time datetime.*?</time>|nonce="[^"]*"|name="csrfmiddlewaretoken" value="[^"]*"|[0-9]+ [a-z]+ ago'
Answer = tuple[int, str, str]
"""An exit code or a status, what was answered, and what was said on standard error."""


def flip(content: bytes, seed: int) -> bytes:
    drawn, changed = random.Random(seed), bytearray(content)
    changed[drawn.randrange(len(content))] ^= drawn.randrange(1, 256)
    return bytes(changed)


DAMAGES: dict[str, Callable[[bytes, int], bytes]] = {
    "one byte": flip,
    "another byte": flip,
    "cut by one": lambda content, _: content[:-1],
    "one more": lambda content, _: content + b"x",
    "emptied": lambda _, __: b"",
}


def command(*line: str) -> Answer:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            code = run(line)
        except Exception:  # whatever it is, it is what the round is for
            code = 99
            traceback.print_exc()
    return code, out.getvalue(), err.getvalue()


def page(browser: Any, address: str) -> Answer:
    shown = browser.get(address)
    content = b"".join(shown.streaming_content) if shown.streaming else shown.content
    return shown.status_code, re.sub(SHOWN_ANEW, "", content.decode("utf-8", "replace"), flags=re.DOTALL), ""


def browser_of_somebody() -> Any:
    from django.conf import settings
    from django.test import Client

    from tocsin.people.access import SECOND_FACTOR
    from tocsin.people.models import Person

    settings.ALLOWED_HOSTS = ["*"]
    person, browser = Person.objects.get(), Client(raise_request_exception=False)
    browser.force_login(person)
    session = browser.session
    session[SECOND_FACTOR] = person.pk
    session.save()
    return browser


def forget() -> None:
    """Know no more than a process that begins."""
    from tocsin.feeds import mappings, queries

    queries.database.cache_clear()
    queries._kept.clear()
    mappings._mappings.cache_clear()
    mappings._recognition.cache_clear()


class Rounds:
    """The rounds, on an instance that is put back after each."""

    def __init__(self, home: Path, aside: Path) -> None:
        self.home, self.aside = home, aside
        self.browser = browser_of_somebody()
        (finding, *_) = json.loads(command("finding", "list", "--json")[1])
        self.pages = [each.format(finding=finding["id"]) for each in PAGES]
        self.before = self.asked()
        assert self.asked() == self.before
        shutil.copytree(home, aside)

    def asked(self) -> dict[str, Answer]:
        answers = {each: page(self.browser, each) for each in self.pages}
        return answers | {" ".join(line): command(*line) for line in COMMANDS}

    def damaged(self, file: str) -> Iterator[dict[str, Any]]:
        whole = (self.aside / file).read_bytes()
        for seed, (how, damage) in enumerate(DAMAGES.items()):
            (self.home / file).write_bytes(damage(whole, seed))
            yield self.round(file, how, is_new=seed % 2 == 0)

    def swapped(self, one: str, other: str) -> Iterator[dict[str, Any]]:
        for here, there in ((one, other), (other, one)):
            shutil.copyfile(self.aside / there, self.home / here)
        yield self.round(one, "swapped", is_new=True)

    def round(self, file: str, how: str, *, is_new: bool) -> dict[str, Any]:
        if is_new:
            forget()
        answers = self.asked()
        other = {what: answer for what, answer in answers.items() if answer != self.before[what]}
        is_mended = "feed refold" in other and command(*EXPORT) == self.before[" ".join(EXPORT)]
        self.put_back()
        return {"file": file, "how": how, "other": other, "is_mended": is_mended}

    def put_back(self) -> None:
        from django.db import connection

        connection.close()
        here = {path.relative_to(self.home) for path in self.home.rglob("*") if path.is_file()}
        there = {path.relative_to(self.aside) for path in self.aside.rglob("*") if path.is_file()}
        for name in here - there:
            (self.home / name).unlink()
        for name in there:
            if name not in here or (self.home / name).read_bytes() != (self.aside / name).read_bytes():
                shutil.copy2(self.aside / name, self.home / name)


def main() -> None:
    given = json.load(sys.stdin)
    open_instance()
    logging.disable()
    home = Path(given["home"])
    rounds = Rounds(home, home.with_name("aside"))
    found = [each for file in given["files"] for each in rounds.damaged(file)]
    found += [each for one, other in given["swapped"] for each in rounds.swapped(one, other)]
    json.dump(found, sys.stdout)


main()
