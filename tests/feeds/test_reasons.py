"""Whatever the engine says of a cell, a row or a report is said in the reader's language."""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from tests.architecture.reading import ROOT
from tocsin.engine.convert import CONVERSIONS, BadCell
from tocsin.engine.shapes import separated_by
from tocsin.feeds import reasons, standing
from tocsin.feeds.holding import ATTRIBUTION, DECISION, IMPORT, REPLAY, WITHDRAWAL, Holder
from tocsin.formats import recognition
from tocsin.kernel.disk import FULL, TOO_LARGE
from tocsin.kernel.encodings import SAVE_AS_UTF_8, UTF_16

SOURCE = ROOT / "src" / "tocsin"
ENGINE = sorted([*(SOURCE / "engine").glob("*.py"), *(SOURCE / "formats").glob("*.py")])
OF_FILES = {"BrokenReport", "Misdated"}
OF_RECORDS = {"BadCell", "Refused", "_Refused", "_refuse", "Record", "BadRecord", *OF_FILES}
WORKS = (IMPORT, REPLAY, WITHDRAWAL, DECISION, ATTRIBUTION)
OF_INPUT = {"tables.py", "strict_json.py"}
"""Modules whose refusals of input become the reasons of records."""

SAYING = ("problem", "NO_TIME", "NO_ASSET", "NOT_CLOSED")
"""What is assigned to these names becomes a reason."""


def written(node: ast.expr) -> str:
    """Return a string as it may look at run time: `7` for what is filled in, quoted where the code quotes it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "'7'" if quoted(part) else "7"
            for part in node.values
        )
    return ""


def quoted(part: ast.expr) -> bool:
    return isinstance(part, ast.FormattedValue) and part.conversion == ord("r")


def assigned(node: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names and values of an assignment, those of `a, b = c, d` one by one."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        yield from ((getattr(name, "id", ""), each) for name, each in zip(target.elts, value.elts, strict=True))
    else:
        yield getattr(target, "id", ""), value


def sentences(path: Path) -> Iterator[str]:
    """Yield what a module of the engine says of what it cannot take."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and (node.name == "reason" or node.name.endswith("_reason")):
            yield from (written(each.value) for each in ast.walk(node) if isinstance(each, ast.Return) and each.value)
        if isinstance(node, ast.FunctionDef) and node.name == "separated_by":
            yield from (written(each.value.elts[0]) for each in ast.walk(node) if isinstance(each, ast.Return))
        if isinstance(node, ast.Assign):
            yield from (written(value) for name, value in assigned(node) if name in SAYING)
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        said = [text for text in map(written, node.args) if " " in text]
        if name == "_bad":
            yield from (f"'7' is not {text}" for text in said)
        elif name in OF_RECORDS or (name == "InvalidInput" and path.name in OF_INPUT):
            yield from (text if name in OF_FILES else text.rstrip(".") for text in said if "7 is not 7" not in text)
        elif name == "get" and getattr(node.func.value, "id", "").endswith("_reasons"):
            yield from said


HALVES = {
    "is not JSON: 7 at 7": ["is not JSON: 7 at line 7, column 7"],
    "it cannot be unpacked: 7.": ["it cannot be unpacked: 7.", "it cannot be unpacked: it ends in the middle."],
    "'7' is not 7": [],
}
"""Sentences that the engine puts together from more than one place."""
SAID = sorted({text for path in ENGINE for text in sentences(path) if text})
EVERY = [UTF_16, *(whole for text in SAID for whole in HALVES.get(text, [text]))]
REMEDIES = [
    SAVE_AS_UTF_8,
    recognition._REMEDY,
    *(separated_by(separator)[1] for separator in ";|,\t"),
    *(
        written(keyword.value)
        for module in ("run", "days", "intake")
        for node in ast.walk(ast.parse((SOURCE / "engine" / f"{module}.py").read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "remedy"
    ),
]


def test_the_engine_says_many_things() -> None:
    assert len(EVERY) > 45
    assert "there is no time" in EVERY and "'7' is not a port (0 to 7)" in EVERY and "the archive is empty." in EVERY


@pytest.mark.parametrize("reason", EVERY)
def test_every_reason_of_the_engine_has_its_sentence(reason: str) -> None:
    assert reasons.known(reason), "say it in feeds/reasons.py"


@pytest.mark.parametrize("sentence", [*reasons.CELLS, *reasons.ROWS, *reasons.REPORTS])
def test_no_sentence_is_kept_that_the_engine_does_not_say(sentence: str) -> None:
    assert sentence in {reasons.known(reason) for reason in EVERY}


@pytest.mark.parametrize("remedy", REMEDIES)
def test_what_helps_is_said_in_the_language_of_the_reader(remedy: str) -> None:
    with translation.override("fr"):
        said = reasons.said_of_file("a.csv", f"a.csv: 'x. y' is encrypted. {remedy}")
        assert said.startswith(reasons.said("'x. y' is encrypted.")) and not said.endswith(remedy)


def test_what_a_run_says_of_its_end_is_said_too() -> None:
    assert set(reasons.RUNS) == {FULL, TOO_LARGE, standing.INTERRUPTED, standing.REPLAY_INTERRUPTED}


@pytest.mark.parametrize("name", CONVERSIONS)
@pytest.mark.parametrize("text", ["\0", "it's", "-1", "99999999999999999999999", "{text}", "a b", "::/0", "é" * 300])
def test_what_conversions_really_say_is_known(name: str, text: str) -> None:
    try:
        CONVERSIONS[name](text)
    except BadCell as bad:
        assert reasons.known(bad.reason), bad.reason
        assert reasons.said(bad.reason)


def test_what_is_quoted_is_kept_and_what_is_unknown_is_shown_as_it_came() -> None:
    with translation.override("en"):
        assert reasons.said("'{column} 1' is not a time") == "'{column} 1' is not a time"
        assert reasons.said("… is not a time") == "'…' is not a time"
        assert reasons.said('"it\'s" is not a time') == "'it's' is not a time"
        assert reasons.said("the moon is full") == "the moon is full"
    assert reasons.known("the moon is full") == ""
    assert reasons.known("the ip is not an address") == "the {column} is not an address"


def test_a_reader_of_another_language_gets_the_values_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    french = {"'{text}' is not a port (0 to {most})": "« {text} » n’est pas un port (de 0 à {most})"}
    monkeypatch.setattr(reasons, "gettext", lambda text: french.get(text, text))

    assert reasons.said("'70000' is not a port (0 to 65535)") == "« 70000 » n’est pas un port (de 0 à 65535)"


FOREIGN = {
    "it cannot be unpacked: Error -3 while decompressing data: invalid block type.": "its bytes are damaged",
    "the archive cannot be read (File is not a zip file).": "it breaks off, or is no ZIP archive",
    "it cannot be opened (Permission denied).": "access to it is refused",
    "is not delimited text: unexpected end of data": "a quote is not closed",
    "is not JSON: Expecting ',' delimiter at line 3, column 7": "a comma, or the end of a list, is missing",
}


@pytest.mark.parametrize(("reason", "ours"), FOREIGN.items())
def test_what_a_library_said_is_said_in_our_words_in_every_language(
    reason: str, ours: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ours in reasons.said(reason)

    monkeypatch.setattr(reasons, "gettext", lambda text: "« ours »" if text == ours else text)
    assert "« ours »" in reasons.said(reason)


def test_what_no_list_knows_stands_after_a_sentence_of_ours() -> None:
    assert reasons.said("it cannot be unpacked: the moon is full.") == "it cannot be unpacked: the moon is full."
    assert reasons.said_of_end("IO Error: no") == "An error stopped it. The software said: IO Error: no"
    assert reasons.said_of_end("[Errno 13] Permission denied: '/srv/x'") == (
        "An error stopped it. The software said: access to it is refused: '/srv/x'"
    )
    assert reasons.said_of_end(FULL) == FULL and reasons.said_of_end("") == ""


@pytest.mark.parametrize(("language", "day"), [("en", "1 Jan 2028"), ("fr", r"1 janv?\. 2028")])
def test_a_day_in_a_reason_is_written_as_on_every_page(language: str, day: str) -> None:
    with translation.override(language):
        said = reasons.said("it is dated 2028-01-01, which lies too far ahead.")
        assert re.search(day, said)
        assert "2028-01-01" not in said and reasons.said_day("soon") == "soon"


@pytest.mark.parametrize("who", [Holder(), *(Holder(work, 7) for work in WORKS)])
def test_why_an_order_was_not_done_is_said_by_whom_it_met(who: Holder) -> None:
    text = f"{who} has kept the store busy for more than 60 s. Try again when it is done."
    for reason in (text, f"{text} It was tried 3 times.", f"{text} It was tried 1 time."):
        assert reasons.said_of_order(reason) == reason
    assert reasons._said(str(who), reasons.HOLDERS) == str(who)


@pytest.mark.parametrize("said", reasons.ORDERS)
def test_no_sentence_on_orders_is_kept_that_nobody_says(said: str) -> None:
    """They are written where they are raised: word by word, but for what is filled in there."""
    rooms = (SOURCE / "feeds").rglob("*.py")
    written_there = "".join(path.read_text() for path in rooms if path.name != "reasons.py")
    written_there += (SOURCE / "jobs" / "queue.py").read_text()
    assert max(re.split(r"\{\w+\}", said), key=len) in written_there


def refusals(path: Path, calls: set[str]) -> Iterator[str]:
    """Yield the sentences with which a module refuses, filled in as they may be."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign) and any(name == "problem" for name, _ in assigned(node)):
            yield from (f"{written(value)}." for _, value in assigned(node))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in calls:
            texts = [written(each) for part in node.args for each in ast.walk(part) if isinstance(each, ast.expr)]
            said = max((text for text in texts if " " in text), key=len, default="")
            yield f"{said.removesuffix('.')}."


FEED_FILE = SOURCE / "formats" / "delimited" / "feedfile.py"
PUT_TOGETHER = {" .", ".", "'7' is not 7.", "is not a list of 7.", "7."}
OF_MAPPINGS = sorted(
    {
        *(said for said in refusals(FEED_FILE, {"refusal", "InvalidInput"}) if said not in PUT_TOGETHER),
        *(said for said in refusals(SOURCE / "feeds" / "mappings.py", {"InvalidInput"}) if said not in PUT_TOGETHER),
        "is not a list of patterns of file names.",
        "'7' is not text.", "7 is not a whole number.", "'x' is not a list.",
        "7 is not a table.", "is missing.",
    }
)  # fmt: skip


def test_mapping_files_are_refused_in_many_ways() -> None:
    assert len(OF_MAPPINGS) > 25 and "names no column." in OF_MAPPINGS


@pytest.mark.parametrize("problem", OF_MAPPINGS)
def test_what_is_wrong_with_a_mapping_file_has_its_sentence(problem: str) -> None:
    assert reasons._said(problem, reasons.MAPPINGS), "say it in feeds/reasons.py"


OF_INTAKE = [
    written(node.args[0])
    for node in ast.walk(ast.parse((SOURCE / "feeds" / "intake.py").read_text()))
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_"
]


# What is said of a reason that nobody can read stands in `kernel.legible`: the page's form says it before an order is.
@pytest.mark.parametrize("refusal", sorted({*OF_INTAKE} - {"there is no file to import.", ""}))
def test_what_an_order_can_be_refused_with_has_its_sentence(refusal: str) -> None:
    assert reasons._said(refusal, reasons.ORDERS), "say it in feeds/reasons.py"


def test_all_mistakes_of_a_mapping_file_are_said_in_the_language_of_the_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reasons, "gettext", lambda text: text if "{where}" in text else f"«{text}»")
    text = (
        "mappings/a.toml, [feed] name: is missing. mappings/a.toml, [constants] extra.x: '\xe9' is not printable ASCII."
    )
    assert reasons.said_of_order(text) == (
        "mappings/a.toml, [feed] name: «is missing.» "
        "mappings/a.toml, [constants] extra.x: «'\xe9' is not printable ASCII»"
    )
    toml = "mappings/broken.toml: is not TOML: Expected ']' at the end of a table declaration (at line 1, column 6)."
    assert reasons.said_of_order(f"{text} {reasons.MEND}").endswith(f"not printable ASCII» «{reasons.MEND}»")
    said = reasons.said_of_order(f"{toml} {reasons.MEND} It was tried 3 times.")
    assert f"«{reasons.MEND}»" in said
    assert "«a bracket around the name of a table is not closed»" in said and "line 1" in said and "3" in said


def test_one_cell_is_no_cells() -> None:
    assert reasons.said("1 cells where the header has 5") == "1 cell where the header has 5"
    assert reasons.said("11 cells where the header has 5") == "11 cells where the header has 5"


def test_of_a_file_the_name_is_left_to_the_page_and_the_remedy_follows() -> None:
    assert reasons.said_of_file("a.csv", "a.csv: it is not a text file.") == "it is not a text file."
    mapped = "no mapping knows its type, and no column of it holds a time and an asset. See how to map a new report."
    assert reasons.said_of_file("a.csv", f"a.csv: {mapped}") == mapped


def test_a_file_is_called_as_it_lies_there() -> None:
    said = "a.csv.gz: it is packed as zip within another archive, which is not read here; only plain text is, and gz, "
    said += "zip or zst of it."
    assert reasons.file_called("a.csv", said) == "a.csv.gz"
    assert reasons.said_of_file("a.csv", said) == said.removeprefix("a.csv.gz: ")
    assert reasons.file_called("a.csv", "What nobody foresaw: the end.") == "a.csv"


@pytest.mark.parametrize("name", ["report.csv", "2026-11-16/report.csv", "2026-11-16.csv"])
@pytest.mark.parametrize(
    "reason", ["it cannot be unpacked: it ends in the middle.", "it is empty: there is not even a header."]
)
def test_a_file_in_an_archive_is_called_by_both_whatever_its_report_is(name: str, reason: str) -> None:
    said = f"2026-11-16.zip/odd: in/report.csv: {reason}"
    assert reasons.file_called(name, said) == "2026-11-16.zip/odd: in/report.csv"
    assert reasons.said_of_file(name, said) == reason


def test_the_day_of_a_report_that_lies_too_far_ahead_is_told_from_its_refusal() -> None:
    refusal = "a.csv: it is dated 2027-01-31, which lies too far ahead. If that day is wrong, put the right one."
    assert reasons.day_ahead(refusal) == dt.date(2027, 1, 31)
    assert reasons.day_ahead("it is dated never, which lies too far ahead.") is None
    assert reasons.day_ahead("a.csv: the archive is empty.") is None
