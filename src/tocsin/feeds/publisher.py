"""Shadowserver's API as this instance may use it: ask, download, bear a poor line, say what is wrong.

The network is `courier.fetching.fetch`; what is sent and what comes back is
`formats.shadowserver.api`. Neither key nor secret, nor the id of a report,
which opens it to whoever knows it, stands in any sentence from here.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from tocsin.courier.connecting import Allowance
from tocsin.courier.fetching import Fetched, Post, fetch
from tocsin.courier.refusals import FetchRefused, NotReachable, TooSlow
from tocsin.formats.shadowserver import api
from tocsin.formats.shadowserver.api import Listed, Listing
from tocsin.kernel import durable
from tocsin.kernel.refusals import Conflict, InvalidInput, Unavailable

LIST_S, DOWNLOAD_S, SILENCE_S = 120.0, 3600.0, 60.0
"""For a list, for a report however slowly it comes, and for each next byte."""
LARGEST_BYTES = 4 * 2**30
WAITS_S = (2.0, 8.0, 30.0)
"""Before the second, third and fourth try."""
LONGEST_WAIT_S = 120.0
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which trying again helps."""
HEAD_BYTES = 2000
DIGESTS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
Tick = Callable[[int], None]
"""Called with how many bytes of a report have come. What it raises ends the download."""


class Unserved(Unavailable):
    """One report was not downloaded; others may be."""

    def __init__(self, file: str, problem: str, *, is_line: bool = False) -> None:
        self.is_line = is_line
        """Whether it was the line or the publisher's server: then others will fare the same."""
        self.problem = problem
        super().__init__(f"{file}: {problem}")


class TurnedAway(Conflict):
    """The publisher does not let us in. Trying again helps only after somebody has put it right."""


def is_wanted(config: Any) -> bool:
    """Say whether reports shall be fetched: key and secret are set."""
    return bool(config.shadowserver_key and config.shadowserver_secret)


def faults(config: Any) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the settings, and its remedy."""
    for name, other in (("KEY", "SECRET"), ("SECRET", "KEY")):
        if getattr(config, f"shadowserver_{name.lower()}") and not getattr(config, f"shadowserver_{other.lower()}"):
            yield (
                _("TOCSIN_SHADOWSERVER_{name} is set, TOCSIN_SHADOWSERVER_{other} is not").format(
                    name=name, other=other
                ),
                _("Set both as the publisher gave them, or none."),
            )
    for name in ("url", "downloads"):
        address = getattr(config, f"shadowserver_{name}")
        if (address or name == "url") and not _is_safe(address):
            yield (
                _("TOCSIN_SHADOWSERVER_{name} is no https address").format(name=name.upper()),
                _("Write it as https://host/path/, or leave it out for the publisher's own."),
            )


def _is_safe(address: str) -> bool:
    """Say whether an address is encrypted; one on this machine that was let pass on purpose need not be."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _allowance().addresses)
    )


def _allowance() -> Allowance:
    """Return what may be reached beyond the public Internet: nothing, but in tests."""
    allowance: Allowance = getattr(settings, "FETCH_ALLOWANCE", None) or Allowance()
    return allowance


class Publisher:
    """The publisher, asked in this instance's name.

    Raises Conflict in an exercise, which nothing leaves and in which nothing is real; InvalidInput when the settings
    do not allow it.
    """

    def __init__(self, config: Any, *, sleep: Callable[[float], None] = time.sleep) -> None:
        if config.exercise:
            says = _("This instance is an exercise: nothing leaves it, so nothing is fetched.")
            remedy = _("Import reports of the exercise with `tocsin feed run`.")
            raise Conflict(f"{says} {remedy}")
        for says, fix in faults(config):
            raise InvalidInput(f"{says}.", remedy=fix)
        if not is_wanted(config):
            remedy = _("Ask the publisher for an API key, and set both; see the how-to page on fetching.")
            raise InvalidInput(_("TOCSIN_SHADOWSERVER_KEY and TOCSIN_SHADOWSERVER_SECRET are not set."), remedy=remedy)
        self._config, self._sleep = config, sleep
        self._base = config.shadowserver_url.rstrip("/") + "/"
        downloads = config.shadowserver_downloads
        self._downloads = downloads.rstrip("/") + "/" if downloads else ""

    def reports(self, first: dt.date, last: dt.date, *, type: str = "") -> Listing:
        """Return what the publisher has of some days. Raises Unavailable, or TurnedAway."""
        config = self._config
        body = api.list_request(
            config.shadowserver_key, first, last, type=type, subscriptions=config.shadowserver_reports
        )
        try:
            answer = self._persist(lambda: self._post(api.LIST, body, api.MAX_LIST_BYTES, LIST_S))
        except FetchRefused as refused:
            raise Unavailable(_told(self._base, refused.problem)) from None
        if answer.status != 200 or api.error_in(answer.body):
            raise _turned_away(answer) or Unavailable(_said(answer))
        try:
            return api.read_list(answer.body)
        except InvalidInput as refusal:
            raise Unavailable(str(refusal)) from refusal

    def download(self, report: Listed, path: Path, tick: Tick) -> None:
        """Have a report under a path, whole and on the disk, or not at all.

        Raises Unserved when it is not to be had, OSError when the disk does not take it.
        """
        part = path.with_name(f".{path.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._take(report, part, tick)
            part.rename(path)
            durable.sync(path.parent)
        finally:
            part.unlink(missing_ok=True)

    def _take(self, report: Listed, part: Path, tick: Tick) -> None:
        """Write a report into a file. The download address gives it whole; where that has none, the API its rows."""
        try:
            answer = self._persist(lambda: self._stream(report, part, tick)) if self._downloads else None
            if answer is None or answer.status == 404:
                answer = self._persist(lambda: self._rows(report, part))
        except FetchRefused as refused:
            where = self._downloads or self._base
            is_line = isinstance(refused, TooSlow | NotReachable)
            raise Unserved(report.file, _told(where, refused.problem), is_line=is_line) from None
        except InvalidInput as refusal:
            raise Unserved(report.file, str(refusal)) from refusal
        if answer.status != 200:
            said = str(_turned_away(answer) or _said(answer))
            raise Unserved(report.file, said, is_line=answer.status in PASSING)

    def _stream(self, report: Listed, part: Path, tick: Tick) -> Fetched:
        """Download once. Raises NotReachable when what came cannot be the whole report: that is worth another try."""
        url = self._downloads + report.id
        with part.open("wb") as file:
            arriving = _Arriving(file, tick)
            answer = fetch(
                url,
                into=arriving,
                longest_s=DOWNLOAD_S,
                silence_s=SILENCE_S,
                largest_bytes=LARGEST_BYTES,
                allowance=_allowance(),
            )
            durable.sync_file(file)
        if answer.status == 200 and (problem := arriving.problem(answer)):
            raise NotReachable(url, problem)
        return answer

    def _rows(self, report: Listed, part: Path) -> Fetched:
        """Have the API give the rows of a report, and write them as the publisher's files do."""
        body = api.download_request(self._config.shadowserver_key, report.id)
        answer = self._post(api.DOWNLOAD, body, api.MAX_ROWS_BYTES, DOWNLOAD_S)
        if answer.status == 200:
            if reason := api.error_in(answer.body):
                raise InvalidInput(_says(reason))
            is_json = answer.body.lstrip()[:1] == b"["
            durable.write(part, api.rows_as_csv(answer.body) if is_json else answer.body)
            if problem := api.no_report(answer.body[:HEAD_BYTES], answer.body[-1:], told_its_length=True):
                raise InvalidInput(problem)
        return answer

    def _post(self, method: str, body: bytes, largest_bytes: int, longest_s: float) -> Fetched:
        signed = {
            "Content-Type": "application/json",
            api.SIGNATURE: api.signature(body, self._config.shadowserver_secret),
        }
        return fetch(
            self._base + method,
            post=Post(body, signed),
            longest_s=longest_s,
            silence_s=SILENCE_S,
            largest_bytes=largest_bytes,
            allowance=_allowance(),
        )

    def _persist(self, ask: Callable[[], Fetched]) -> Fetched:
        """Ask until there is an answer that stays; the last failure is raised, the last answer returned."""
        for wait_s in WAITS_S:
            try:
                answer = ask()
            except (TooSlow, NotReachable):
                self._sleep(wait_s)
            else:
                if answer.status not in PASSING:
                    return answer
                self._sleep(_wait_told(answer, wait_s))
        return ask()


class _Arriving:
    """A report that comes in: written, hashed, and looked at."""

    def __init__(self, file: IO[bytes], tick: Tick) -> None:
        self._file, self._tick = file, tick
        self._digests = {name: make() for name, make in DIGESTS.items()}
        self.size, self.head, self.last = 0, b"", b""

    def write(self, data: bytes, /) -> None:
        """Take the next part."""
        if not data:
            return
        self._file.write(data)
        for digest in self._digests.values():
            digest.update(data)
        self.size += len(data)
        if len(self.head) < HEAD_BYTES:
            self.head += data[: HEAD_BYTES - len(self.head)]
        self.last = data[-1:]
        self._tick(self.size)

    def problem(self, answer: Fetched) -> str | None:
        """Say why what came is not the report; None when it is."""
        if self._differs(answer):
            return _("what came is not what was sent: its digest is another.")
        told = "content-length" in answer.headers or "chunked" in answer.headers.get("transfer-encoding", "").lower()
        return api.no_report(self.head, self.last, told_its_length=told)

    def _differs(self, answer: Fetched) -> bool:
        """Compare with the digest that came along (RFC 9530), if one did; it is of what was sent, packed or not."""
        if answer.headers.get("content-encoding", "identity") != "identity":
            return False
        for name in ("content-digest", "repr-digest"):
            for member in answer.headers.get(name, "").split(","):
                algorithm, _equals, value = member.strip().partition("=")
                if algorithm in self._digests:
                    return _unquoted(value) != self._digests[algorithm].digest()
        return False


def _unquoted(value: str) -> bytes:
    try:
        return base64.b64decode(value.strip().strip(":"), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _wait_told(answer: Fetched, otherwise_s: float) -> float:
    told = answer.headers.get("retry-after", "")
    return min(float(told), LONGEST_WAIT_S) if told.isascii() and told.isdecimal() else otherwise_s


def _turned_away(answer: Fetched) -> TurnedAway | None:
    """Return what to say when key or signature are not accepted; None when that is not the matter."""
    if answer.status not in (401, 403):
        return None
    check = _(
        "Check TOCSIN_SHADOWSERVER_KEY and TOCSIN_SHADOWSERVER_SECRET, each without blanks, and whether the publisher "
        "lets this machine's address in."
    )
    return TurnedAway(f"{_said(answer)} {check}")


def _said(answer: Fetched) -> str:
    """Return what an answer says that is none, as a sentence."""
    reason = api.error_in(answer.body)
    return _says(reason) if reason else _("The publisher answers {status}.").format(status=answer.status)


def _says(reason: str) -> str:
    return _("The publisher says: {reason}.").format(reason=reason)


def _told(address: str, problem: str) -> str:
    """Name the host alone: an address may hold the id of a report."""
    return _("{host} cannot be used now: {problem}").format(host=urlsplit(address).hostname, problem=problem)
