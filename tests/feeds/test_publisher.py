"""The publisher's API over a real connection: signed, persistent, and never in doubt about a report."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import gzip
import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.feeds.publishing import (
    KEY,
    SECRET,
    Office,
    answering,
    cut,
    cut_without_length,
    office,
    saying,
    silent,
    with_headers,
)
from tests.feeds.reports import FIRST, write
from tocsin.courier.connecting import Allowance
from tocsin.feeds import publisher as publishing
from tocsin.feeds.publisher import Publisher, TurnedAway, Unserved, faults
from tocsin.formats.shadowserver.api import Listed
from tocsin.kernel.refusals import InvalidInput, Unavailable
from tocsin.site.config import Config


@pytest.fixture
def desk(settings: Any) -> Iterator[Office]:
    """A publisher that may be reached."""
    with office() as server:
        settings.FETCH_ALLOWANCE = Allowance(frozenset({"127.0.0.1"}), frozenset({server.server_address[1]}))
        yield server


@pytest.fixture
def waits() -> list[float]:
    """How long was waited before each further try."""
    return []


def config(desk: Office, **other: Any) -> Config:
    addresses = {"shadowserver_url": f"{desk.url}/api2", "shadowserver_downloads": f"{desk.url}/dl"}
    return Config(**{"shadowserver_key": KEY, "shadowserver_secret": SECRET, **addresses, **other})


@pytest.fixture
def publisher(desk: Office, waits: list[float]) -> Publisher:
    return Publisher(config(desk), sleep=waits.append)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report as the publisher has it."""
    return write(tmp_path / "theirs", 0, range(1, 9))


def listed(publisher: Publisher, on: dt.date = FIRST) -> Listed:
    (found,) = publisher.reports(on, on).reports
    return found


def take(publisher: Publisher, path: Path) -> bytes:
    """Download the only report there is; return what came."""
    publisher.download(listed(publisher), path, lambda _size: None)
    return path.read_bytes()


def refusal(publisher: Publisher, path: Path) -> str:
    """Download what is refused; return the sentence. Nothing may be left on the disk."""
    with pytest.raises(Unserved) as caught:
        take(publisher, path)
    assert [each for each in path.parent.iterdir() if each.is_file()] == []
    return str(caught.value)


def test_a_report_is_listed_and_downloaded(desk: Office, publisher: Publisher, report: Path, tmp_path: Path) -> None:
    desk.offer(report)
    assert take(publisher, tmp_path / "ours" / report.name) == report.read_bytes()
    assert desk.asked == [("/api2/reports/list", {"apikey": KEY, "date": "2026-11-16", "limit": 1000})]
    assert [each.name for each in (tmp_path / "ours").iterdir()] == [report.name]


def test_an_empty_list_is_no_fault(desk: Office, publisher: Publisher) -> None:
    assert publisher.reports(FIRST, FIRST).reports == ()


def test_days_types_and_lists_are_asked_for(desk: Office, report: Path) -> None:
    desk.offer(report)
    desk.offer(report, "b", report="xm-gov")
    chosen = Publisher(config(desk, shadowserver_reports=("xm-gov",)))
    found = chosen.reports(FIRST, FIRST + dt.timedelta(3), type="scan_rdp").reports
    assert [each.id for each in found] == ["b"]
    assert desk.asked[0][1]["date"] == "2026-11-16:2026-11-19"


@pytest.mark.parametrize("wrong", [{"shadowserver_secret": "other"}, {"shadowserver_key": "other"}])
def test_a_wrong_key_or_secret_is_told_with_what_to_check(desk: Office, wrong: dict[str, str]) -> None:
    with pytest.raises(TurnedAway) as caught:
        Publisher(config(desk, **wrong)).reports(FIRST, FIRST)
    said = str(caught.value)
    assert said.startswith("The publisher says: Invalid API key or signature. Check TOCSIN_SHADOWSERVER_KEY")
    assert KEY not in said and SECRET not in said and "other" not in said


def test_an_error_that_comes_as_200_becomes_a_sentence(desk: Office, publisher: Publisher) -> None:
    desk.answer_list = saying(200, {"error": "date is not valid"})
    with pytest.raises(Unavailable, match=r"^The publisher says: date is not valid\.$"):
        publisher.reports(FIRST, FIRST)


def test_a_page_in_place_of_a_list_becomes_a_sentence(desk: Office, publisher: Publisher) -> None:
    desk.answer_list = answering(200, b"<html>Sign in to the hotel's network</html>")
    with pytest.raises(Unavailable, match="is not JSON"):
        publisher.reports(FIRST, FIRST)


def test_a_busy_publisher_is_asked_again_after_longer_and_longer(
    desk: Office, publisher: Publisher, waits: list[float], report: Path, tmp_path: Path
) -> None:
    desk.offer(report, "", answering(503), answering(500), cut)
    assert take(publisher, tmp_path / report.name) == report.read_bytes()
    assert waits == [2, 8, 30]
    assert len(desk.downloaded) == 4


def test_how_long_the_publisher_wants_us_to_wait_is_heeded_within_reason(
    desk: Office, publisher: Publisher, waits: list[float], report: Path, tmp_path: Path
) -> None:
    ways = [answering(429, Retry_After=text) for text in ("20", "86400", "soon")]
    desk.offer(report, "", *ways)
    take(publisher, tmp_path / report.name)
    assert waits == [20, 120, 30]


def test_trying_again_has_an_end(desk: Office, publisher: Publisher, waits: list[float]) -> None:
    desk.answer_list = answering(502, b"Bad gateway")
    with pytest.raises(Unavailable, match=r"^The publisher answers 502\.$"):
        publisher.reports(FIRST, FIRST)
    assert len(waits) == 3


def test_a_download_that_always_breaks_is_refused_and_leaves_nothing(
    desk: Office, publisher: Publisher, report: Path, tmp_path: Path
) -> None:
    desk.offer(report, "", cut, cut, cut, cut)
    said = refusal(publisher, tmp_path / "ours" / report.name)
    assert said.startswith(f"{report.name}: 127.0.0.1 cannot be used now:") and "ended before everything" in said


def test_a_download_that_falls_silent_is_taken_again(
    desk: Office, publisher: Publisher, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "SILENCE_S", 0.2)
    desk.offer(report, "", silent)
    assert take(publisher, tmp_path / report.name) == report.read_bytes()
    assert len(desk.downloaded) == 2


def test_a_download_of_unknown_length_that_ends_within_a_line_is_taken_again(
    desk: Office, publisher: Publisher, report: Path, tmp_path: Path
) -> None:
    desk.offer(report, "", cut_without_length)
    assert take(publisher, tmp_path / report.name) == report.read_bytes()


def digest(content: bytes, name: str = "sha256") -> str:
    return base64.b64encode(hashlib.new(name, content).digest()).decode()


@pytest.mark.parametrize("header", ["Content-Digest", "Repr-Digest"])
def test_a_download_whose_digest_is_another_is_taken_again(
    desk: Office, publisher: Publisher, report: Path, tmp_path: Path, header: str
) -> None:
    wrong = with_headers(**{header: f"sha-256=:{digest(b'other')}:"})
    nonsense = with_headers(**{header: "sha-256=:%%:"})
    right = with_headers(**{header: f"md5=:x:, sha-512=:{digest(report.read_bytes(), 'sha512')}:"})
    desk.offer(report, "", wrong, nonsense, right)
    assert take(publisher, tmp_path / report.name) == report.read_bytes()
    assert len(desk.downloaded) == 3


def test_a_digest_of_what_was_packed_on_the_way_is_not_held_against_it(
    desk: Office, publisher: Publisher, report: Path, tmp_path: Path
) -> None:
    packed = gzip.compress(report.read_bytes())
    way = answering(200, packed, Content_Encoding="gzip", Content_Digest=f"sha-256=:{digest(packed)}:")
    desk.offer(report, "", way)
    assert take(publisher, tmp_path / report.name) == report.read_bytes()
    assert len(desk.downloaded) == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "empty"), (b"<html>", "web page"), (b'{"error":"Report has expired."}', "Report has expired")],
)
def test_what_is_no_report_is_refused(
    desk: Office, publisher: Publisher, report: Path, tmp_path: Path, content: bytes, problem: str
) -> None:
    desk.offer(report, content=content)
    assert problem in refusal(publisher, tmp_path / "ours" / report.name)


def test_a_report_that_is_too_large_is_refused_at_once(
    desk: Office, publisher: Publisher, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "LARGEST_BYTES", 100)
    desk.offer(report)
    assert "larger than 100 bytes" in refusal(publisher, tmp_path / "ours" / report.name)
    assert len(desk.downloaded) == 1


def test_a_report_that_is_kept_from_us_says_what_to_check(
    desk: Office, publisher: Publisher, report: Path, tmp_path: Path
) -> None:
    desk.offer(report, "", saying(403, {"error": "address not registered"}))
    said = refusal(publisher, tmp_path / "ours" / report.name)
    assert "address not registered" in said and "this machine's address" in said


def test_a_redirect_to_this_machine_is_refused(
    desk: Office, publisher: Publisher, report: Path, tmp_path: Path
) -> None:
    with office() as inside:  # on a port that was not let pass
        desk.offer(report, "", *[answering(302, Location=f"{inside.url}/dl/x")] * 4)
        said = refusal(publisher, tmp_path / "ours" / report.name)
        assert inside.downloaded == []
    assert "port" in said


def test_a_request_that_is_sent_elsewhere_is_refused_with_its_key(desk: Office, publisher: Publisher) -> None:
    with office() as inside:
        desk.answer_list = answering(307, Location=f"{inside.url}/api2/reports/list")
        with pytest.raises(Unavailable, match="posted"):
            publisher.reports(FIRST, FIRST)
        assert inside.asked == []


def test_this_machine_is_never_asked_unless_it_was_let_pass(desk: Office, settings: Any) -> None:
    settings.FETCH_ALLOWANCE = None
    with pytest.raises(InvalidInput, match="is no https address"):
        Publisher(config(desk))
    secured = {"shadowserver_url": desk.url.replace("http", "https"), "shadowserver_downloads": ""}
    with pytest.raises(Unavailable, match="port"):
        Publisher(config(desk, **secured)).reports(FIRST, FIRST)
    assert desk.asked == []


@pytest.mark.parametrize("way", ["no address", "not there"])
def test_rows_are_asked_for_where_there_is_no_download(
    desk: Office, report: Path, tmp_path: Path, way: str, waits: list[float]
) -> None:
    desk.offer(report)
    desk.has_downloads = False
    other = {"shadowserver_downloads": ""} if way == "no address" else {}
    got = take(Publisher(config(desk, **other), sleep=waits.append), tmp_path / report.name)
    assert got == report.read_bytes()
    assert desk.asked[-1][0] == "/api2/reports/download"
    assert (len(desk.downloaded), waits) == ((0, []) if way == "no address" else (1, []))


def test_a_report_that_is_nowhere_is_refused_in_the_publishers_words(
    desk: Office, publisher: Publisher, report: Path, tmp_path: Path
) -> None:
    id = desk.offer(report)
    desk.contents.clear()
    assert refusal(publisher, tmp_path / "ours" / report.name).endswith("The publisher says: report not found.")
    assert desk.downloaded == [id]


def test_neither_key_nor_secret_nor_id_stands_in_any_sentence_or_log(
    desk: Office, publisher: Publisher, report: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    id = desk.offer(report, "", cut, cut, cut, cut)
    said = refusal(publisher, tmp_path / "ours" / report.name) + caplog.text + repr(config(desk))
    assert [secret for secret in (KEY, SECRET, id) if secret in said] == []


def test_settings_that_are_half_there_are_told_with_their_fix() -> None:
    half = list(faults(Config(shadowserver_key="k")))
    assert [says for says, _ in half] == ["TOCSIN_SHADOWSERVER_KEY is set, TOCSIN_SHADOWSERVER_SECRET is not"]
    assert half[0][1] == "Set both as the publisher gave them, or none."
    assert len(list(faults(Config(shadowserver_secret="s")))) == 1
    assert list(faults(Config())) == list(faults(Config(shadowserver_key="k", shadowserver_secret="s"))) == []


@pytest.mark.parametrize(
    "address", ["http://transform.example/api2/", "ftp://x/", "transform.example", "https://[", ""]
)
def test_the_key_travels_encrypted_only(address: str) -> None:
    wrong = list(faults(Config(shadowserver_url=address)))
    assert [says for says, _ in wrong] == ["TOCSIN_SHADOWSERVER_URL is no https address"]


def test_without_key_and_secret_it_says_how_to_get_them() -> None:
    with pytest.raises(InvalidInput, match="Ask the publisher for an API key"):
        Publisher(Config())


def test_the_disk_is_not_blamed_on_the_publisher(
    desk: Office, publisher: Publisher, report: Path, tmp_path: Path
) -> None:
    desk.offer(report)

    def tick(_size: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        publisher.download(listed(publisher), tmp_path / "ours" / report.name, tick)
    assert list((tmp_path / "ours").iterdir()) == []


def test_settings_can_come_from_files(tmp_path: Path) -> None:
    from tocsin.site.config import load

    secret = tmp_path / "secret"
    secret.write_text("  s3cret\n", encoding="utf-8")
    variables = {"TOCSIN_HOME": str(tmp_path), "TOCSIN_SHADOWSERVER_SECRET_FILE": str(secret)}
    loaded = load({**variables, "TOCSIN_SHADOWSERVER_REPORTS": "xm-geo, xm-gov"})
    assert (loaded.shadowserver_secret, loaded.shadowserver_reports) == ("s3cret", ("xm-geo", "xm-gov"))
    assert "s3cret" not in repr(loaded) and "s3cret" not in str(SimpleNamespace(config=loaded))
    assert dataclasses.replace(loaded, port=1).shadowserver_secret == "s3cret"
