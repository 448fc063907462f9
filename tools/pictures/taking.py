"""Take pictures of the pages of a served instance: light, dark, French, right to left, and at 320 px."""

from __future__ import annotations

import base64
import dataclasses
import hmac
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Locator, Page, Response

from tools.pictures.scenes import LANGUAGES, Instance

LONGEST_MS = 30_000
ENTRANCE = "entrance"
"""The page that the link of a demonstration opens, as `pages.toml` names it."""

TOO_WIDE = """() => [
    Math.max(...[...document.querySelectorAll('html, main')].map(e => e.scrollWidth - e.clientWidth)),
    Math.max(0, ...[...document.querySelectorAll('main table')].filter(e => !e.closest('.wide'))
        .map(e => Math.floor(e.getBoundingClientRect().width - e.parentElement.getBoundingClientRect().width))),
]"""
"""By how much the page scrolls sideways, and by how much its widest table sticks out into the margin."""

LEAST_PX = 36
TOO_LOW = """least => [...document.querySelectorAll('a[href], button, summary, select, input:not([type=hidden])')]
    .filter(each => each.checkVisibility() && !each.closest('.hidden, .skip, .check, .plot, .bars, .figure, svg'))
    .filter(each => each.matches('.why, summary, button, select, input') || ![...each.parentElement.childNodes]
        .some(beside => beside.nodeType === Node.TEXT_NODE && /\\p{L}/u.test(beside.data)))
    .map(each => [each, Math.max(...[each, ...(each.labels || [])].map(one => one.getBoundingClientRect().height))])
    .filter(([each, height]) => height < least - 0.5)
    .map(([each, height]) => `${(each.innerText || each.ariaLabel || each.name).trim()} ${Math.round(height)} px`)"""
"""What stands by itself and is lower than a finger, with its height: a link within a sentence runs with the words.

Charts are left out, which have their tables, and the boxes beside rows, which have the rows.
"""
HEIGHT = "Math.min(document.documentElement.scrollHeight, 16000)"

Described = dict[str, Any]
"""A page as `pages.toml` describes it."""


@dataclasses.dataclass(frozen=True)
class Manner:
    """One way to look at a page."""

    name: str
    width: int = 1366
    height: int = 768
    dark: bool = False
    language: str = "en"
    mirrored: bool = False
    """Also where the instance does not speak the language, and answers in English."""
    touched: bool = False
    """By fingers: a page on which something is too small for them has a fault."""

    @property
    def is_narrow(self) -> bool:
        """It is that of a telephone."""
        return self.width < 640


MANNERS = (
    Manner("light"),
    Manner("dark", dark=True),
    Manner("fr", language="fr"),
    Manner("rtl", language="ar", mirrored=True),
    Manner("320", width=320, height=700),
    Manner("fr-320", width=320, height=700, language="fr"),
    Manner("touch", width=320, height=700, language="fr", touched=True),
)


@dataclasses.dataclass(frozen=True)
class Taken:
    """A picture, and what was wrong with the page."""

    page: str
    manner: str
    faults: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Camera:
    """A browser, and where its pictures go."""

    browser: Browser
    folder: Path
    manners: Sequence[Manner]
    note: Callable[[Taken], None]
    """Called after each picture."""

    def take(self, instance: Instance, pages: Sequence[Described]) -> None:
        """Take these pages of an instance in all manners; those without a path while enrolling or entering."""
        names = {page["name"] for page in pages if "path" not in page}
        if instance.sign_in and ENTRANCE in names:
            self._take_entrance(instance)
        states = list(self._enrolled(instance, names))
        state = states[0] if states else _signed_in(self.browser, instance.sign_in)
        people = {"staff": state, "observer": states[-1] if states else state, "nobody": None}
        people["member"] = _signed_in(self.browser, instance.member)
        opened = [page for page in pages if "path" in page]
        # What is sent many times uses up the attempts of this address: last of all.
        for some in ([page for page in opened if "times" not in page], [page for page in opened if "times" in page]):
            for manner in self.manners:
                self._take_in(manner, instance, people, some)

    def _take_in(
        self, manner: Manner, instance: Instance, people: Mapping[str, Any], pages: Sequence[Described]
    ) -> None:
        contexts = {who: self._context(manner, state) for who, state in people.items()}
        # One tab for all pages of a person: opening one costs more than most pages do.
        tabs = {who: context.new_page() for who, context in contexts.items()}
        complaints = {who: _listen(tab) for who, tab in tabs.items()}
        for wanted in pages:
            who = wanted.get("as", "staff")
            complaints[who].clear()
            try:
                faults = self._picture(tabs[who], manner, instance, wanted, complaints[who])
            except Error as error:  # one page that cannot be reached must not cost the others
                faults = [error.message.splitlines()[0]]
            self.note(Taken(wanted["name"], manner.name, tuple(faults)))
        for context in contexts.values():
            context.close()

    def _context(self, manner: Manner, state: Any) -> Any:
        context = self.browser.new_context(
            storage_state=state,
            viewport={"width": manner.width, "height": manner.height},
            color_scheme="dark" if manner.dark else "light",
            locale=manner.language,
            has_touch=manner.touched,
            extra_http_headers={"Accept-Language": manner.language},
        )
        context.set_default_timeout(LONGEST_MS)
        return context

    def _picture(
        self, page: Page, manner: Manner, instance: Instance, wanted: Described, complaints: list[str]
    ) -> list[str]:
        answers = [page.goto(instance.base.rstrip("/") + wanted["path"] + "x" * wanted.get("longer", 0))]
        if "follow" in wanted:
            answers.append(_follow(page, page.locator(wanted["follow"]).first))
        right = wanted.get("status", 200)
        for _time in range(wanted.get("times", 1)):
            for step in wanted.get("steps", ()):
                answers.append(_do(page, *step) or answers[-1])
            if _status(answers) == right:
                break
        faults = self._snap(page, manner, wanted["name"])
        if _status(answers) != right:
            faults.append(f"answered {_status(answers)}, not {right}")
        if wanted.get("as") != "nobody" and "next=" in page.url:
            faults.append("asks to sign in")
        # The browser also writes the status of an answer that is right here.
        return faults + [complaint for complaint in complaints if "responded with a status of" not in complaint]

    def _take_entrance(self, instance: Instance) -> None:
        """Take the page that a demonstration's link opens. To look at it does not use the link up."""
        for manner in self.manners:
            context = self._context(manner, None)
            page = context.new_page()
            complaints = _listen(page)
            page.goto(instance.sign_in)
            self.note(Taken(ENTRANCE, manner.name, (*self._snap(page, manner, ENTRANCE), *complaints)))
            context.close()

    def _enrolled(self, instance: Instance, names: Collection[str]) -> Iterator[Any]:
        """Enrol by each link, each in another language; yield the cookies of each."""
        for link, language in zip(instance.enrol, LANGUAGES, strict=False):
            context = self._context(Manner("enrolling", language=language), None)
            page = context.new_page()
            complaints = _listen(page)
            page.goto(link)
            for name in _enrolment(page):
                if name in names:
                    self._snap_each(page, name, language, complaints)
            yield context.storage_state()
            context.close()

    def _snap_each(self, page: Page, name: str, language: str, complaints: list[str]) -> None:
        """Take a page that is shown once in all manners of its language."""
        for manner in self.manners:
            if manner.language == language:
                page.set_viewport_size({"width": manner.width, "height": manner.height})
                page.emulate_media(color_scheme="dark" if manner.dark else "light")
                faults = self._snap(page, manner, name)
                self.note(Taken(name, manner.name, (*faults, *complaints)))

    def _snap(self, page: Page, manner: Manner, name: str) -> list[str]:
        """Take a picture as the page is; return whether it, or a table in it, is too wide."""
        if manner.mirrored:
            page.evaluate("document.documentElement.dir = 'rtl'")
        else:  # the other languages must not look as if there were that one
            page.evaluate(f"document.querySelectorAll('button[value={LANGUAGES[-1]}]').forEach(each => each.remove())")
        if manner.touched:  # a picture of the whole page is taken without touch: the page is shown whole instead
            page.set_viewport_size({"width": manner.width, "height": page.evaluate(HEIGHT)})
        page.screenshot(path=self.folder / f"{name}-{manner.name}.png", full_page=not manner.touched)
        overflow, wider = page.evaluate(TOO_WIDE)
        faults = [f"scrolls sideways by {overflow} px"] if overflow > 0 else []
        faults += [f"a table is {wider} px wider than its column"] if wider > 0 else []
        low = page.evaluate(TOO_LOW, LEAST_PX) if manner.touched else []
        page.set_viewport_size({"width": manner.width, "height": manner.height})
        return faults + ([f"too low for a finger: {', '.join(low)}"] if low else [])


def _signed_in(browser: Browser, link: str) -> Any:
    """Return the cookies of a browser that used the link; a link works once, so all manners share them."""
    context = browser.new_context()
    if link:
        page = context.new_page()
        page.goto(link)
        _do(page, "click", "form button")
    state = context.storage_state()
    context.close()
    return state


def _enrolment(page: Page) -> Iterator[str]:
    """Go through the steps of enrolling; yield the name of each page while it is shown."""
    yield "enrolment"
    for name, value in (("name", "Ilse Maravu"), ("email", "ilse@cirt.example")):
        if page.locator(f"input[name={name}]").count():
            page.fill(f"input[name={name}]", value)
    for field in page.locator("input[type=password]").all():
        field.fill("a quiet lagoon at seven")
    _do(page, "click", "form button")
    yield "authenticator"
    page.locator("main form input:not([type=hidden])").first.fill(_code(page.locator("code bdi").inner_text()))
    _do(page, "click", "form button")
    yield "recovery-codes-shown"
    _do(page, "click", ".button")


def _code(secret: str) -> str:
    """Return the code that an authenticator shows now (RFC 6238, six digits, 30 s, SHA-1)."""
    key = base64.b32decode(secret.replace(" ", ""))
    digest = hmac.digest(key, int(time.time() // 30).to_bytes(8, "big"), "sha1")
    place = digest[-1] & 15
    return f"{(int.from_bytes(digest[place : place + 4], 'big') & 0x7FFF_FFFF) % 1_000_000:06d}"


def _listen(page: Page) -> list[str]:
    """Return a list to which the page's errors will be added."""
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def _status(answers: Sequence[Response | None]) -> int | None:
    last = answers[-1]
    return last.status if last else None


def _follow(page: Page, found: Locator, script: str = "") -> Response | None:
    """Click, or run a script on what was found; return the answer that the browser then shows."""
    with page.expect_navigation() as going:
        found.evaluate(script) if script else found.click()
    return going.value


def _do(page: Page, verb: str, selector: str, value: str = "") -> Response | None:
    """Do one step of a page: fill or choose a field, open a fold, attach a file, click, or send a form as it is.

    Return the answer to which the last two lead.
    """
    found = page.locator(f"main {selector}" if "summary" not in selector else selector).first
    if verb == "fill":
        found.fill(value)
    elif verb == "choose":
        found.select_option(value)
    elif verb == "attach":
        octets = value.encode() if not value.isdigit() else b"x" * int(value)
        found.set_input_files({"name": "organisations.csv", "mimeType": "text/csv", "buffer": octets})
    elif verb == "open":
        found.click()
    elif verb == "forge":
        found.evaluate("field => field.value = 'forged'")
    else:
        return _follow(page, found, "form => HTMLFormElement.prototype.submit.call(form)" if verb == "send" else "")
    return None
