"""What rows about the directory say, and constituents as things that rows are about."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tocsin.audit import wording
from tocsin.audit.wording import Data, Fact, Group, Kind, Sentence
from tocsin.directory import history, queries
from tocsin.directory.choices import TableKind
from tocsin.directory.forms import ConstituentForm, ContactForm


def _of_constituent(code: str) -> Sentence:
    """Return the sentence that the history of a constituent has, too."""
    return lambda data: history.sentence(code, dict(data))


def _imported(data: Data) -> str:
    added, changed = len(data["added"]), len(data["changed"])
    said = ngettext(
        "Directory imported from {files}: {added} constituent new, {changed} changed",
        "Directory imported from {files}: {added} constituents new, {changed} changed",
        added,
    )
    return said.format(files=wording.listed(data["files"]), added=added, changed=changed)


def _table_loaded(data: Data) -> str:
    kind = dict(TableKind.choices).get(data["kind"], data["kind"])
    rows = int(data["rows"])
    said = ngettext("Reference table loaded: {kind}, {rows} row", "Reference table loaded: {kind}, {rows} rows", rows)
    return said.format(kind=kind, rows=formats.number_format(rows, force_grouping=True))


_SENTENCES: dict[str, Sentence] = {
    "constituent.added": lambda data: _("Constituent entered: {name}").format(name=data["name"]),
    "constituent.changed": lambda _data: _("Constituent changed"),
    "contact.added": _of_constituent("contact.added"),
    "contact.changed": lambda _data: _("Contact changed"),
    "contact.undelivered": _of_constituent("contact.undelivered"),
    "claim.added": _of_constituent("claim.added"),
    "claim.confirmed": _of_constituent("claim.confirmed"),
    "claim.ended": _of_constituent("claim.ended"),
    "conflict.settled": _of_constituent("conflict.settled"),
    "conflict.kept": _of_constituent("conflict.kept"),
    "membership.added": _of_constituent("membership.added"),
    "membership.changed": _of_constituent("membership.changed"),
    "membership.ended": _of_constituent("membership.ended"),
    "change.asked": _of_constituent("change.asked"),
    "change.approved": _of_constituent("change.approved"),
    "change.refused": _of_constituent("change.refused"),
    "change.outdated": _of_constituent("change.outdated"),
    "change.taken_back": _of_constituent("change.taken_back"),
    "entry.said_right": _of_constituent("entry.said_right"),
    "directory.imported": _imported,
    "reference-table.loaded": _table_loaded,
}
_ABOUT = {"person": "person", **dict.fromkeys(("constituent", "constituents", "added", "changed"), "constituent")}


def _facts() -> Mapping[str, Fact]:
    return wording.facts_of(ContactForm, ConstituentForm)


def _names(keys: Collection[str]) -> Mapping[str, str]:
    return {row.public_id: row.local_name for row in queries.constituents_with_ids(keys)}


def _find(text: str) -> str | None:
    """Return the one constituent whose id is typed, or of whose name it is a part, where no other has it."""
    if queries.constituents_with_ids([text]).exists():
        return text
    found = queries.constituents_named(text)
    return found[0] if len(found) == 1 else None


def _address(key: str) -> str:
    return reverse("directory:constituent", args=[key])


wording.register(Group("directory", gettext_lazy("Constituents, contacts and claims"), _SENTENCES, _ABOUT, _facts))
wording.register_kind(Kind("constituent", gettext_lazy("Constituent"), _names, _address, _find))
