"""Why a cell, a row or a report could not be taken, in the reader's language.

The engine is pure and says it in English; what it said is kept with the row.
Here stand its sentences with placeholders: what fits one is said in the
reader's words, what fits none is shown as it was written. Tests hold the list
against the engine, and the catalogue of each language against the list.
What a library said within a sentence is said in our words where they are known
(`kernel.library_words`), and a day as people write it.
"""

from __future__ import annotations

import datetime as dt
import functools
import re

from django.utils import formats
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_noop as _

from tocsin.kernel.library_words import in_our_words

CELLS = (
    _("'{text}' is not printable ASCII"),
    _("'{text}' is not a whole number"),
    _("'{text}' is not a number of 64 bits"),
    _("'{text}' is not a finite number"),
    _("'{text}' is not yes or no"),
    _("'{text}' is not a port (0 to {most})"),
    _("'{text}' is not an autonomous system number"),
    _("'{text}' is not a time"),
    _("'{text}' is not a time like 2026-11-16 01:02:03"),
    _("'{text}' is not a time that can be read"),
    _("'{text}' cannot be a time in a report of {day}"),
    _("'{text}' cannot be a time: it lies before {year}, or ahead of the import"),
    _("'{text}' is not an address"),
    _("'{text}' is not the address of a host"),
    _("'{text}' is not a network"),
    _("'{text}' is not a country code of two letters"),
    _("'{text}' is not a host name"),
    _("'{text}' is not a URL with scheme and host"),
    _("'{text}' is not a URL, and the row names no host"),
    _("'{text}' is not a URL: its port is none"),
    _("'{text}' is not a mail address"),
    _("'{text}' is not a transport protocol"),
    _("'{text}' is not a severity ({words})"),
)
WIDTH = _("{number} cells where the header has {width}")
ROWS = (
    _("there is no time"),
    _("there is no asset"),
    _("the {column} is not an address"),
    _("a quote is not closed"),
    WIDTH,
    _("is longer than {number} bytes"),
    _("is larger than {number} bytes"),
    _("is not {encoding} text (byte {number})"),
    _("is not delimited text: {detail}"),
    _("is not JSON: {detail} at line {line}, column {column}"),
    _("is not a JSON object"),
    _("holds a number that is too long"),
    _("is nested more than {number} deep"),
    _("has the key '{text}' twice"),
    _("has the key '{text}', with a control character in it"),
    _("holds {text}, which is not JSON"),
    _("holds half of a character, which is no text"),
)
AHEAD = _("it is dated {day}, which lies too far ahead.")
REPORTS = (
    _("line {number} is longer than {most} MiB."),
    _("it is not a text file."),
    _("it is packed as {packed}, which is not read here; only plain text is, and gz, zip or zst of it."),
    _("its header is not UTF-8 text."),
    _("its lines end with CR alone, as old Macintosh programs write them; only LF and CR LF are read."),
    _("a quote in its header is not closed."),
    _("it is empty: there is not even a header."),
    _("its header is longer than 1 MiB."),
    _("it has {number} columns; no report has more than {most}."),
    _("its header holds characters that are no text."),
    _("its mapping gives it other columns than it was read with."),
    _("it was imported by an older version, which did not keep its content hash."),
    _("neither its name nor a row says which day it is of."),
    _("the archive cannot be read ({detail})."),
    _("the archive is empty."),
    _("by their names none of the files in the archive is a report."),
    _("it cannot be unpacked: it ends in the middle."),
    _("it cannot be unpacked: {detail}."),
    _("it unpacks to more than {most} times its size, as no report does."),
    _("there is no such file."),
    _("it cannot be opened ({detail})."),
    _("the archive holds a file named '{text}', which leads out of it."),
    _("the archive holds a file without a name."),
    _("'{text}' would unpack to {number} bytes."),
    _("'{text}' is encrypted."),
    _("it is larger than {most} MiB, too much for a feed of its shape."),
    _("its lines are JSON objects, but no mapping file covers its name, and they have no {column}."),
    _("it has no column '{text}', which the mapping of {type} needs."),
    _("it is named as {type} but has neither its column '{text}' nor '{other}'."),
    _("no mapping knows its type, and no column of it holds a time and an asset."),
    _("its columns are separated by {text}."),
    _("it is UTF-16 text, which Windows programs call Unicode; only UTF-8 is read."),
    _("it is no file but a pipe, a socket or a device, which is never read."),
    _(
        "another file of the same call has its name and its day, but holds something else. "
        "Rename one of them if both count; import this one alone if it corrects the other."
    ),
    AHEAD,
    _("it is dated {day}, which lies before there were such reports."),
    _("it is dated {day}, and its rows are of later days, up to {last}."),
    _("it is dated {day}, and nothing from before {since} is kept any more. Nothing of it was taken in."),
    _("its rows are no longer kept."),
)


RUNS = (
    _("The disk is full. Nothing was changed; make room and try again."),
    _(
        "A file would grow beyond what this process may write (ulimit -f). "
        "Nothing was changed; raise that limit and try again."
    ),
    _("It was interrupted. Nothing of it counts; import its files again."),
    _("It was interrupted. Nothing of it counts; read that run again: tocsin feed replay {run}"),
)
ORDERS = (
    _("run {run} has no report that counts."),
    _("no report of {type} of {day} has arrived."),
    _("no report of {type} has ever arrived."),
    _("there are no findings of {type}."),
    _("{day} has not come yet: what it showed cannot be said."),
    _("{type} came first on {first}: of {day} there is nothing to say. Is the year right?"),
    _("there are reports of {type} of {day}, so it was not empty. Close that day, or discard it."),
    _("the rows of run {run} are no longer kept: it can neither be read again nor taken back."),
    _("run {run} was withdrawn; what still counts of it is of days whose rows are no longer kept."),
    _("reports of {type} are kept from {day} on: nothing can be decided any more about days before."),
    _("{holder} has kept the store busy for more than {number} s. Try again when it is done."),
    _("The worker was lost."),
)
"""Why what was ordered on a page was not done: a worker, who speaks English, wrote it down."""
MAPPINGS = (
    _("it is not as it was loaded."),
    _("is larger than {number} bytes."),
    _("is not UTF-8 text (byte {number})."),
    _("is not TOML: {detail} (at line {line}, column {column})."),
    _("is not TOML: {detail} (at end of document)."),
    _("is not TOML: {detail}."),
    _("There is no table [{name}]; there are {words}."),
    _("is not a table."),
    _("is not known; there are {words}."),
    _("is missing."),
    _("is not a list of column names."),
    _("is not a list of patterns of file names."),
    _("'{text}' is not a name of small letters, digits and _."),
    _("'{text}' is no format of a time; write it like %Y-%m-%d %H:%M:%S."),
    _('names no field; write "source.ip" = "column".'),
    _('is not a key of an event; put it under extra, in quotes: "extra.name".'),
    _("is not a key of an event."),
    _("names no column."),
    _("the conversion '{text}' is not known; there are {words}."),
    _("the conversion '{text}' does not make what this key holds."),
    _("is neither a column nor a table of column and conversion."),
    _("'{text}' is not a class of the taxonomy; there are {words}."),
    _("'{text}' is not the class of {name}, which is {other}."),
    _("'{text}' is not a type of the taxonomy; there are {words}."),
    _("no column says which asset a row is about; name an address or account."),
    _("is no column of account, instead or detail."),
    _("'{text}' is not one character."),
    _("{number} is less than none."),
    _("'{text}' is none of the columns of [read]."),
    _("names '{text}' twice."),
    _("'{text}' is not known, or writes ASCII otherwise; utf-8, latin-1 or windows-1252 would do."),
    _("'{text}' is not known; there are {words}."),
    _("{value} is not a level from 2 to 6."),
    _("{value} is not text."),
    _("{value} is not a whole number."),
    _("{value} is not a list."),
    _("{value} is not a table."),
    _("two files describe the feed {type}."),
    _("cannot be read ({detail})."),
)
"""What is wrong with a mapping file: whatever reads reports meets it, long after the file was put there."""
MEND = _("Mend it, or move it out of that folder: until then nothing is imported.")
"""Follows on it, for whoever reads it: a report must not be taken for another than it is."""
_IN_MAPPING = re.compile(r"(?:\A| )(mappings/[^:]*?\.toml(?:, \[\w*\][^:]*)?): ")
PLACED = _("{where}: {problem}")
TRIED, TRIED_ONCE = _("{reason} It was tried {number} times."), _("{reason} It was tried {number} time.")
"""As the worker writes it: whoever may try a job once only is no exception."""
HOLDERS = (
    _("run {run}"),
    _("the withdrawal of run {run}"),
    _("a decision about a report"),
    _("the attribution of open findings"),
    _("the removal of old observations"),
    _("another import"),
)
_WITHIN = " within another archive"
WITHIN = _("{kind} within another archive")
STOPPED = _("An error stopped it. The software said: {detail}")
"""Of what nobody foresaw."""
OF_ONE = {WIDTH: _("{number} cell where the header has {width}")}
"""What is said instead of a sentence when its number is 1: the engine knows no grammar."""
EVERY = (*CELLS, *ROWS, *REPORTS, *RUNS)
REMEDIES = (
    _("See how to map a new report."),
    _("Export it with commas, or use a mapping file with delimiter = {text}; see how to map a new report."),
    _("Leave delimiter out of its mapping file."),
    _("Save it as UTF-8 (in a spreadsheet: CSV UTF-8), or use: iconv -f UTF-16 -t UTF-8."),
    _(
        "If that day is wrong, put the right one into the name of the file; if the clock of this machine is wrong, "
        "set it. Then import it again."
    ),
    _("Put the right day into the name of the file; then import it again."),
)
"""What may follow a sentence on a report."""


def _pattern(sentence: str) -> re.Pattern[str]:
    """Return what a sentence looks like with its placeholders filled in; what is quoted may be left out, as `…`."""
    written = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(sentence))
    return re.compile(re.sub(r"'(.+?)'", r"""(?:['"]\1['"]|…)""", written), re.DOTALL)


@functools.cache
def _patterns(sentences: tuple[str, ...]) -> list[tuple[str, re.Pattern[str]]]:
    return [(sentence, _pattern(sentence)) for sentence in sentences]


def known(reason: str) -> str:
    """Return the sentence, with its placeholders, that a reason is; nothing when the engine has none like it."""
    return next((sentence for sentence, pattern in _patterns(EVERY) if pattern.fullmatch(reason)), "")


def said(reason: str) -> str:
    """Return a reason in the reader's language."""
    return _said(reason, EVERY) or reason


def _said(text: str, sentences: tuple[str, ...]) -> str:
    for sentence, pattern in _patterns(sentences):
        if found := pattern.fullmatch(text):
            of_one = found.groupdict().get("number") == "1"
            words = gettext(OF_ONE.get(sentence, sentence) if of_one else sentence)
            return words.format(**{name: _filled(name, part) for name, part in found.groupdict().items()})
    return ""


def _filled(name: str, part: str | None) -> str:
    """Return what stands in a placeholder as the reader would write it."""
    if not part:
        return "…"
    if name == "detail":
        return _in_our_words(part) or part
    if name == "packed":
        return gettext(WITHIN).format(kind=part.removesuffix(_WITHIN)) if part.endswith(_WITHIN) else part
    if name == "holder":
        return _said(part, HOLDERS) or part
    return said_day(part) if name in ("day", "first", "since", "last") else part


def _in_our_words(detail: str) -> str:
    known = in_our_words(detail)
    return gettext(known) if known else ""


def said_day(text: str) -> str:
    """Return a day that a machine wrote as people write it; what is no day stays as it is."""
    try:
        on = dt.date.fromisoformat(text)
    except ValueError:
        return text
    return str(formats.date_format(on, pgettext("date format", "j M Y")))


def said_of_end(text: str) -> str:
    """Return why a run failed in the reader's language. What was not foreseen is said to be an error, in its words."""
    if not text:
        return ""
    from_system = re.fullmatch(r"\[Errno \d+\] (.+?)(: .+)?", text)
    if from_system and (known := _in_our_words(from_system[1])):
        text = f"{known}{from_system[2] or ''}"
    return _said(text, EVERY) or gettext(STOPPED).format(detail=text)


def said_of_order(text: str) -> str:
    """Return why an order came to nothing in the reader's language."""
    for sentence in (TRIED, TRIED_ONCE):
        if tried := _pattern(sentence).fullmatch(text):
            return gettext(sentence).format(reason=said_of_order(tried["reason"]), number=tried["number"])
    return _said(text, ORDERS) or _said_of_mapping(text) or said_of_end(text)


def _said_of_mapping(text: str) -> str:
    """Return what is wrong with a mapping file, each mistake after its place; nothing where it is something else."""
    before, *parts = _IN_MAPPING.split(text.removesuffix(f" {MEND}"))
    if before or not parts:
        return ""
    faults = [
        gettext(PLACED).format(where=where, problem=_said(problem, MAPPINGS) or said(problem.removesuffix(".")))
        for where, problem in zip(parts[::2], parts[1::2], strict=True)
    ]
    return " ".join([*faults, gettext(MEND)] if text.endswith(MEND) else faults)


def file_called(name: str, text: str) -> str:
    """Return what the file is called where it lies: its refusal begins so, with what `name` lacks of it."""
    return _called(name, text) or name


def said_of_file(name: str, text: str) -> str:
    """Return why a file could not be read in the reader's language; the engine puts what it is called before it."""
    called = _called(name, text)
    reason = text[len(called) + 2 :] if called else text
    return _said_with_remedy(reason) or reason


def _called(name: str, text: str) -> str:
    """Return what a refusal names before it says what is wrong; empty when it names nothing.

    That is the name with the suffix of a compression; or an archive and a file in it, up to a sentence that is known.
    """
    if found := re.match(rf"{re.escape(name)}(\.gz|\.zip|\.zst)*(?=: )", text):
        return found[0]
    ends = (end for end in re.finditer(": ", text) if _said_with_remedy(text[end.end() :]))
    return next((text[: end.start()] for end in ends), "")


def _said_with_remedy(reason: str) -> str:
    """Return a reason that is known in the reader's language; empty for any other."""
    # What helps may follow: it begins after the end of some sentence.
    for end in re.finditer(r"\. ", reason):
        first, last = reason[: end.start() + 1], reason[end.end() :]
        if what_helps := _said(last, REMEDIES):
            return f"{said(first)} {what_helps}"
    return _said(reason, EVERY)


def day_ahead(text: str) -> dt.date | None:
    """Return the day of a report that was refused because it lies too far ahead; None when that is not why."""
    ((_sentence, pattern),) = _patterns((AHEAD,))
    found = pattern.search(text)
    try:
        return dt.date.fromisoformat(found["day"]) if found else None
    except ValueError:  # a file that is named like the sentence
        return None
