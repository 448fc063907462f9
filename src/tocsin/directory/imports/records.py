"""What has been read from a directory file, and what is wrong with it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tocsin.courier import mail_addresses
from tocsin.directory.choices import ClaimKind, ContactRole
from tocsin.kernel.refusals import InvalidInput

SHOWN_PROBLEMS = 50
"""How many problems a sentence on the command line lists; pages and `--json` give all."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where in the files something stands."""

    file: str
    row: int
    """Line of a CSV file (the header is line 1), or item of a JSON file, from 1; 0 for the file as a whole."""
    column: str = ""

    def at(self, column: str) -> Place:
        """The same row at another column."""
        return dataclasses.replace(self, column=column)


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, with the sentence that says what would be right."""

    place: Place
    sentence: str

    def __str__(self) -> str:
        place = self.place
        parts = [place.file]
        if place.row:
            parts.append(_("row {row}").format(row=place.row))
        if place.column:
            parts.append(_("column {column}").format(column=place.column))
        return _("{place}: {sentence}").format(place=", ".join(parts), sentence=self.sentence)

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        place = self.place
        return {"file": place.file, "row": place.row, "column": place.column, "problem": self.sentence}


class ImportRefused(InvalidInput):
    """Files that were read to their end and are not right; nothing was changed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:SHOWN_PROBLEMS]]
        if len(self.problems) > SHOWN_PROBLEMS:
            lines.append(_("… and {count} more.").format(count=len(self.problems) - SHOWN_PROBLEMS))
        found = ngettext(
            "Nothing was imported: one problem found.",
            "Nothing was imported: {count} problems found.",
            len(self.problems),
        ).format(count=len(self.problems))
        super().__init__("\n".join((found, *lines)))


@dataclasses.dataclass(frozen=True, slots=True)
class RawItem:
    """One constituent as a file gives it, in the shape of the JSON format, not yet checked."""

    place: Place
    fields: dict[str, Any]
    columns: dict[str, str] = dataclasses.field(default_factory=dict)
    """What a field is called in the file, where that differs: `names.fr` stands in column `name_fr`."""


@dataclasses.dataclass(frozen=True, slots=True)
class ClaimRecord:
    """A checked claim."""

    place: Place
    kind: ClaimKind
    value: str
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    confirmed_by: str = ""
    confirmed_on: dt.date | None = None
    source: str = ""

    @property
    def period(self) -> tuple[dt.date | None, dt.date | None]:
        """First and last day."""
        return self.valid_from, self.valid_to


def contact_key(role: str, email: str, name: str) -> tuple[str, str]:
    """Return what makes two contacts the same: the role, and the mailbox or, without an address, the name."""
    return role, mail_addresses.mailbox(email) if email else name.casefold()


@dataclasses.dataclass(frozen=True, slots=True)
class ContactRecord:
    """A checked contact: the fields that the file gives."""

    place: Place
    role: ContactRole
    email: str
    given: dict[str, Any]
    deputy_of: str = ""
    """E-mail address of another contact of the same constituent."""

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same contact in a later file: the role, and the address or, without one, the name."""
        return contact_key(self.role.value, self.email, self.given.get("name", ""))


def no_other_contact(contact: ContactRecord) -> Problem:
    """Return that the one whose deputy a contact is to be is none of the constituent's others."""
    sentence = _("{value} is no other contact of this constituent.")
    return Problem(contact.place, sentence.format(value=contact.deputy_of))


@dataclasses.dataclass(frozen=True, slots=True)
class ConstituentRecord:
    """A checked constituent: the fields that the file gives; what it does not give stays as it is."""

    place: Place
    public_id: str
    """Empty when the file gives none: then the name finds it, or an id is made."""
    given: dict[str, Any]
    parent: str | None
    """Public id; empty for none; None when the file does not say."""
    claims: tuple[ClaimRecord, ...]
    claim_kinds: frozenset[ClaimKind]
    """The kinds that the file gives, be it as an empty list: only these can be missing from it."""
    contacts: tuple[ContactRecord, ...]


@dataclasses.dataclass(frozen=True)
class ReadFiles:
    """The checked content of one or more files."""

    names: tuple[str, ...]
    content_hashes: tuple[str, ...]
    records: tuple[ConstituentRecord, ...]
    remarks: tuple[str, ...] = ()
    """What was assumed while reading, such as an old encoding."""
