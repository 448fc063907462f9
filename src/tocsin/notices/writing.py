"""The text of a notice: plain, short, in the reader's language, at most MOST_BYTES.

What is wrong comes first, then where and since when, how to mend it, how to
see that it is mended, how to answer, and how to tell that the notice is ours.
Worst first; what has no room is counted, never left out in silence. Takes
values, asks no database; what others wrote is shown with everything unseen
written out.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import textwrap
from collections.abc import Iterator, Sequence

from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from tocsin.feeds.choices import AnswerKind, Stands
from tocsin.kernel import legible
from tocsin.kernel.tlp import TLP
from tocsin.notices import closing
from tocsin.notices.choices import Channel, Whom, Why
from tocsin.notices.remedies import Remedy, headings

MOST_BYTES = 9_600
"""With what the courier puts below, on the label and on encryption, at most 10,000."""
MOST_ROWS = 50
LEAST_ROWS = 3
"""So many rows of each kind of finding are shown before any kind gets more."""
WIDTH = 76
LONGEST_NAME = 90
LONGEST_PLACE = 47
LONGEST_DETAIL = 30
MOST_TOLD = 6
"""So many who were told before are named."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One finding as its row says it."""

    place: str
    detail: str
    since: dt.date
    last: dt.datetime
    why: Why
    source_port: str = ""
    """Of the machine, as others saw it: by it and the time it is found behind translated addresses."""
    destination: str = ""
    page: str = ""


@dataclasses.dataclass(frozen=True)
class Kind:
    """Findings that say the same, with their remedy."""

    title: str
    """In the reader's language."""
    severity: int
    remedy: Remedy
    entries: tuple[Entry, ...]


@dataclasses.dataclass(frozen=True)
class ToldBefore:
    """Somebody who was told of findings of the notice before."""

    on: dt.date
    """The first day."""
    whom: Whom
    name: str
    """An address of the constituent's own, else the name of the organisation."""
    last: dt.date
    rows: int
    """Of how many findings of the notice."""
    to: str
    """The address."""

    @property
    def days(self) -> str:
        """The first and the last, or the only one."""
        return _span(self.on, self.last)

    @property
    def who(self) -> str:
        """As what, and by which name."""
        return _("{whom}: {name}").format(whom=self.whom.label, name=_cut(legible.shown(self.name), LONGEST_NAME))

    def is_reader(self, letter: Letter) -> bool:
        """Say whether it is the one who reads the letter."""
        return self.to.lower() == letter.to.lower()


@dataclasses.dataclass(frozen=True)
class AnsweredBefore:
    """Findings of the notice that were answered alike, where the answer holds no more."""

    kind: AnswerKind
    stands: Stands
    on: dt.date
    """The first day on which one was answered so."""
    last: dt.date
    seen_on: dt.date
    """The latest day on which one was seen."""
    rows: int


@dataclasses.dataclass(frozen=True)
class Unheard:
    """Findings of the notice on which no report has come since somebody was told of them last."""

    rows: int
    reported_on: dt.date | None
    """The day of the last report; None where it is not the same for all of them."""


@dataclasses.dataclass(frozen=True)
class Letter:
    """All that the text says."""

    reference: str
    team: str
    constituent: str
    to: str
    whom: Whom
    language: str
    tlp: TLP
    kinds: tuple[Kind, ...]
    verify_at: str
    """Whole address of the page that says whether a notice is ours."""
    has_attachment: bool
    is_exercise: bool = False
    sender: str = ""
    """Address that all notices come from."""
    fingerprint: str = ""
    """Of the team's OpenPGP key."""
    phone: str = ""
    """At which the team can be asked."""
    answer_at: str = ""
    """Whole address of the page on which its reader can answer each finding; empty where nobody can sign in."""
    told_before: tuple[ToldBefore, ...] = ()
    """The earliest first."""
    told_again: tuple[int, dt.date | None] = (0, None)
    """Of how many findings its reader was told before they were told anew, and on which day last."""
    told_gone: tuple[int, dt.date | None] = (0, None)
    """Of how many that came back anybody was told before they had gone, and on which day last."""
    answered: tuple[AnsweredBefore, ...] = ()
    unheard: Unheard | None = None
    reader: str = ""
    """The organisation that reads it, where that is another: a parent or a regulator."""
    way: Channel = Channel.MAIL
    """By which it goes: only a mail can be answered."""

    @property
    def total(self) -> int:
        """How many findings it is about."""
        return sum(len(kind.entries) for kind in self.kinds)

    @property
    def told_others(self) -> tuple[ToldBefore, ...]:
        """Those of `told_before` who do not read it."""
        return tuple(each for each in self.told_before if not each.is_reader(self))

    @property
    def unanswered(self) -> int:
        """Of how many of its findings nobody has said anything."""
        return self.total - sum(each.rows for each in self.answered)

    def count(self, why: Why) -> int:
        """Return how many of them stand in it for a reason."""
        return sum(entry.why == why for kind in self.kinds for entry in kind.entries)


def file_name(reference: str, tlp: str) -> str:
    """Return how the attachment is called: its label goes along wherever it is stored."""
    return f"notice-{reference}-TLP-{tlp.replace('+', '-')}.csv"


def subject(letter: Letter) -> str:
    """Return the subject line, the label first."""
    return f"[{letter.tlp.label}] {title(letter)}"


def title(letter: Letter) -> str:
    """Return the subject without its label."""
    with translation.override(letter.language):
        words = ngettext(
            "{n} finding on the networks of {name} ({reference})",
            "{n} findings on the networks of {name} ({reference})",
            letter.total,
        )
        name = _cut(legible.shown(letter.constituent), LONGEST_NAME)
        said = words.format(n=_number(letter.total), name=name, reference=letter.reference)
    exercise = "[EXERCISE] " if letter.is_exercise else ""
    return f"{exercise}{said}"


def text(letter: Letter) -> str:
    """Return the whole text."""
    with translation.override(letter.language):
        head, tail = _head(letter), _tail(letter)
        room = MOST_BYTES - _size(head) - _size(tail) - _size(_left_out(letter, len(letter.kinds), letter.total))
        blocks, shown = _blocks(letter, room)
        rest = letter.kinds[shown:]
        if rest:
            blocks.append(_left_out(letter, len(rest), sum(len(kind.entries) for kind in rest)))
        return "\n".join([head, *blocks, tail])


def _blocks(letter: Letter, room: int) -> tuple[list[str], int]:
    """Return the parts on as many kinds of finding as there is room for, and how many that are."""
    blocks: list[str] = []
    mended: dict[str, int] = {}
    shares = _shares([len(kind.entries) for kind in letter.kinds])
    for number, (kind, share) in enumerate(zip(letter.kinds, shares, strict=True), 1):
        block = next(
            (
                made
                for rows in (share, min(share, LEAST_ROWS))
                if _size(made := _block(letter, number, kind, rows, mended)) < room
            ),
            None,
        )
        if block is None:
            break
        mended.setdefault(kind.remedy.name, number)
        room -= _size(block) + 1
        blocks.append(block)
    return blocks, len(blocks)


def _shares(numbers: Sequence[int]) -> list[int]:
    """Return how many rows each kind gets: a few each, then the rest in their order, MOST_ROWS together."""
    left, shares = MOST_ROWS, []
    for number in numbers:
        shares.append(min(number, LEAST_ROWS, left))
        left -= shares[-1]
    for place, number in enumerate(numbers):
        more = min(number - shares[place], left)
        shares[place] += more
        left -= more
    return shares


def _head(letter: Letter) -> str:
    parts = [f"[{letter.tlp.label}]", ""]
    if letter.is_exercise:
        parts += [_("EXERCISE. Nothing of this is real."), ""]
    team, name = legible.shown(letter.team), legible.shown(letter.constituent)
    reader = legible.shown(letter.reader) or name
    parts += [_wrapped(_("{team} to {name}").format(team=team, name=reader)), ""]
    said = (_opening(letter, name), _reasons(letter), *_answers(letter), _again(letter), _unheard(letter))
    parts += [_wrapped(" ".join(filter(None, said))), ""]
    return "\n".join([*parts, *_told_before(letter)])


def _opening(letter: Letter, name: str) -> str:
    """Say what it is about: to a constituent about itself, to who is told next about whom."""
    if letter.whom in (Whom.PARENT, Whom.REGULATOR):
        words = ngettext(
            "We have told {name} of {n} weakness or intrusion on its networks, and it is still open. We tell you as"
            " the next one to act.",
            "We have told {name} of {n} weaknesses or intrusions on its networks, and they are still open. We tell you"
            " as the next one to act.",
            letter.total,
        )
    elif letter.whom == Whom.SECOND and letter.told_others:
        words = _opening_for_second(letter)
    else:
        words = ngettext(
            "On your networks we see {n} weakness or intrusion that you can mend.",
            "On your networks we see {n} weaknesses or intrusions that you can mend.",
            letter.total,
        )
    return words.format(n=_number(letter.total), name=name)


def _opening_for_second(letter: Letter) -> str:
    if letter.answered:
        return ngettext(
            "We have told others at {name} of {n} weakness or intrusion on your networks, and it is still open. We"
            " tell you as the next one to act.",
            "We have told others at {name} of {n} weaknesses or intrusions on your networks, and they are still open."
            " We tell you as the next one to act.",
            letter.total,
        )
    return ngettext(
        "We have told others at {name} of {n} weakness or intrusion on your networks; nobody has reacted, and it is"
        " still open. We tell you as the next one to act.",
        "We have told others at {name} of {n} weaknesses or intrusions on your networks; nobody has reacted, and"
        " they are still open. We tell you as the next one to act.",
        letter.total,
    )


def _answers(letter: Letter) -> Iterator[str]:
    """Yield what was answered and does not hold; to who is told next also of how many nobody has said anything."""
    for each in letter.answered:
        facts = {"n": _number(each.rows), "days": _span(each.on, each.last), "seen": each.seen_on.isoformat()}
        yield _answer(each).format(answer=each.kind.label, **facts)
    if letter.answered and letter.unanswered and letter.whom != Whom.SECURITY:
        words = ngettext(
            "Nobody has reacted to the other one.", "Nobody has reacted to the other {n}.", letter.unanswered
        )
        yield words.format(n=_number(letter.unanswered))


def _answer(each: AnsweredBefore) -> str:
    if each.stands == Stands.CONTRADICTED:
        return ngettext(
            "{n} was said to be fixed ({days}), and was seen again since (last on {seen}).",
            "{n} were said to be fixed ({days}), and were seen again since (last on {seen}).",
            each.rows,
        )
    if each.stands == Stands.TAKEN_BACK:
        return ngettext(
            "{n} was answered, and the answer was taken back ({days}).",
            "{n} were answered, and the answers were taken back ({days}).",
            each.rows,
        )
    if each.stands == Stands.REFUSED:
        return ngettext(
            "{n} was answered with “{answer}” ({days}); we have looked at it, and do not agree.",
            "{n} were answered with “{answer}” ({days}); we have looked at them, and do not agree.",
            each.rows,
        )
    return ngettext(
        "{n} was answered with “{answer}” ({days}); that holds no more.",
        "{n} were answered with “{answer}” ({days}); that holds no more.",
        each.rows,
    )


def _again(letter: Letter) -> str:
    """Say that it was told before: what is told anew begins its days anew, and whom we told before is not listed.

    To who is told first, of what came back; to who is told next, of what that reader was told.
    """
    number, on = letter.told_gone if letter.whom == Whom.SECURITY else letter.told_again
    if not number or on is None:
        return ""
    if letter.whom == Whom.SECURITY and letter.total == 1:
        return _("We had told of it before it went (last on {day}).").format(day=on.isoformat())
    if letter.whom == Whom.SECURITY:
        words = ngettext(
            "We had told of {n} of them before it went (last on {day}).",
            "We had told of {n} of them before they went (last on {day}).",
            number,
        )
        return words.format(n=_number(number), day=on.isoformat())
    if letter.total == 1:
        return _("We have told you of it before (last on {day}); it was told anew since.").format(day=on.isoformat())
    words = ngettext(
        "We have told you of {n} of them before (last on {day}); it was told anew since.",
        "We have told you of {n} of them before (last on {day}); they were told anew since.",
        number,
    )
    return words.format(n=_number(number), day=on.isoformat())


def _unheard(letter: Letter) -> str:
    if letter.unheard is None:
        return ""
    rows, on = letter.unheard.rows, letter.unheard.reported_on
    if letter.total == 1:
        without = _("We have had no report of it since we told of it last.")
        with_day = _("We have had no report of it since we told of it last; the latest one is of {day}.")
    else:
        without = ngettext(
            "Of {n} of them we have had no report since we told of it last.",
            "Of {n} of them we have had no report since we told of them last.",
            rows,
        )
        with_day = ngettext(
            "Of {n} of them we have had no report since we told of it last; the latest one is of {day}.",
            "Of {n} of them we have had no report since we told of them last; the latest one is of {day}.",
            rows,
        )
    return without.format(n=_number(rows)) if on is None else with_day.format(n=_number(rows), day=on.isoformat())


def _span(first: dt.date, last: dt.date) -> str:
    return first.isoformat() if first == last else f"{first.isoformat()} – {last.isoformat()}"


def _reasons(letter: Letter) -> str:
    sentences = (
        (Why.NEW, ngettext("{n} is new.", "{n} are new.", letter.count(Why.NEW))),
        (
            Why.RETURNED,
            ngettext("{n} had gone and came back.", "{n} had gone and came back.", letter.count(Why.RETURNED)),
        ),
        (
            Why.ESCALATED,
            ngettext("{n} is still open after our last notice.", "{n} are still open after our last notice.",
                     letter.count(Why.ESCALATED)),
        ),
        (
            Why.DIGEST,
            ngettext("{n} was told before and is still open (weekly list).",
                     "{n} were told before and are still open (weekly list).", letter.count(Why.DIGEST)),
        ),
    )  # fmt: skip
    is_next = letter.whom != Whom.SECURITY  # the opening has said that it is open still
    said = [
        words.format(n=_number(letter.count(why)))
        for why, words in sentences
        if letter.count(why) and not (is_next and why == Why.ESCALATED)
    ]
    return " ".join(said)


def _told_before(letter: Letter) -> list[str]:
    """Return who was told before, when, and of how many: to who is told next all of them, to the first the others."""
    is_first = letter.whom == Whom.SECURITY
    rows = letter.told_others if is_first else letter.told_before
    if not rows:
        return []
    if is_first:
        words = _("Told of these besides you:")
    else:
        words = _("Told so far:") if letter.answered else _("Told so far, and without a reaction:")
    shown = [f"  {each.days}  {each.who}{_of_how_many(each, letter)}" for each in rows[:MOST_TOLD]]
    return [words, *shown, *(["  …"] if len(rows) > MOST_TOLD else []), ""]


def _of_how_many(each: ToldBefore, letter: Letter) -> str:
    """Say of how many of the rows somebody was told, where that is not all, and that it is the reader, where it is."""
    words = []
    if each.is_reader(letter):
        words.append(pgettext("who was told of it", "you"))
    if each.rows < letter.total:
        words.append(_("{n} of {total}").format(n=_number(each.rows), total=_number(letter.total)))
    return f" ({', '.join(words)})" if words else ""


def _block(letter: Letter, number: int, kind: Kind, rows: int, mended: dict[str, int]) -> str:
    remedy = kind.remedy.text(letter.language)
    title = f"{number}. {kind.title} ({_number(len(kind.entries))}), C{kind.severity}"
    lines = ["", title, "-" * min(len(title), WIDTH), ""]
    before = mended.get(kind.remedy.name)
    if before is None:
        lines += [_wrapped(remedy.wrong), _wrapped(remedy.matters), ""]
    lines += _table(kind, rows, letter.language)
    if more := len(kind.entries) - rows:
        lines.append("  " + _more(more, letter))
    lines.append("")
    if before is not None:
        return "\n".join([*lines, _("Mended in the same way as number {number}.").format(number=before)])
    lines += [_("How to mend it:"), *(_step(place, step) for place, step in enumerate(remedy.fix, 1))]
    return "\n".join([*lines, "", _("How to see that it is mended:"), _wrapped(remedy.check, "  ")])


def _step(place: int, step: str) -> str:
    return textwrap.fill(
        step, WIDTH, initial_indent=f"  {place}. ", subsequent_indent="     ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _table(kind: Kind, rows: int, language: str) -> list[str]:
    """Return rows of a table whose columns stand below each other in letters of one width."""
    entries = kind.entries[:rows]
    named = headings(language)
    columns = [name for name in named if name in USUAL or name in kind.remedy.columns or name == "detail"]
    if "detail" not in kind.remedy.columns and not any(entry.detail for entry in entries):
        columns.remove("detail")
    cells = [[named[name] for name in columns], *([_cell(entry, name) for name in columns] for entry in entries)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        ("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip() for row in cells
    ]


USUAL = ("place", "since", "last", "why")
"""Columns of every table."""
UNKNOWN = "-"
"""Stands where the reports say nothing."""
_LONGEST = {"detail": LONGEST_DETAIL}


def _cell(entry: Entry, column: str) -> str:
    if column == "since":
        return entry.since.isoformat()
    if column == "last":
        return entry.last.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
    if column == "why":
        return str(entry.why.label)
    said = _cut(legible.shown(getattr(entry, column)), _LONGEST.get(column, LONGEST_PLACE))
    return said or (UNKNOWN if column not in ("place", "detail") else "")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _more(number: int, letter: Letter) -> str:
    if letter.way != Channel.MAIL:
        words = ngettext("{n} more in your list of findings.", "{n} more in your list of findings.", number)
    elif letter.has_attachment:
        words = ngettext("{n} more in the attachment.", "{n} more in the attachment.", number)
    else:
        words = ngettext("{n} more; answer, and we send the list.", "{n} more; answer, and we send the list.", number)
    return words.format(n=_number(number))


def _left_out(letter: Letter, kinds: int, findings: int) -> str:
    """Say what no room was left for."""
    words = ngettext(
        "{kinds} further kind of finding has no room here:",
        "{kinds} further kinds of finding have no room here:",
        kinds,
    )
    more = _more(findings, letter)
    return "\n".join(["", _wrapped(f"{words.format(kinds=_number(kinds))} {more}")])


def _tail(letter: Letter) -> str:
    is_of_another = letter.whom in (Whom.PARENT, Whom.REGULATOR)
    if letter.way != Channel.MAIL:
        answer = closing.answer_otherwise(letter.reference, letter.sender, legible.shown(letter.phone))
    else:
        answer = closing.answer(letter.reference, is_of_another=is_of_another)
    ours = closing.ours(is_of_another=is_of_another)
    about = {"team": legible.shown(letter.team), "name": _cut(legible.shown(letter.constituent), LONGEST_NAME)}
    return "\n".join(
        [
            "", "",
            _wrapped(_("All days and times are in UTC, as in the reports.")), "",
            _heading(_("How to answer")), "",
            *_pages(letter),
            _wrapped(answer), "",
            _heading(_("Who we are")), "",
            _wrapped(ours.format(**about, address=letter.verify_at)), "",
            *_known_by(letter),
        ]
    )  # fmt: skip


def _pages(letter: Letter) -> list[str]:
    """Return that each finding can be answered on a page, and where, on a line of its own, unless it is read there."""
    if letter.way == Channel.PORTAL:
        words = _("On these pages you say of each finding, or of many at once, that it is fixed, or why not.")
        return [_wrapped(words), ""]
    if not letter.answer_at:
        return []
    words = _("On your own pages you say of each finding, or of many at once, that it is fixed, or why not:")
    otherwise = [_wrapped(_("Or without signing in:")), ""] if letter.way == Channel.MAIL else []
    return [_wrapped(words), f"  {letter.answer_at}", "", *otherwise]


def _known_by(letter: Letter) -> list[str]:
    """Return by what else the reader knows that it is us, each on a line of its own."""
    said = (
        (_("Our notices come from {address}."), letter.sender),
        (_("Our OpenPGP key: {address}"), letter.fingerprint),
        (_("Our telephone: {address}"), legible.shown(letter.phone)),
    )
    lines = [_wrapped(words.format(address=value)) for words, value in said if value]
    return [*lines, ""] if lines else []


def _heading(words: str) -> str:
    return f"{words}\n{'-' * len(words)}"


def _wrapped(words: str, indent: str = "") -> str:
    return textwrap.fill(
        words, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _size(words: str) -> int:
    return len(words.encode())


def _number(value: int) -> str:
    return str(formats.number_format(value, force_grouping=True))
