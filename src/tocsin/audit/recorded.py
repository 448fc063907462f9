"""What rows about the trail itself say."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from tocsin.audit import wording
from tocsin.audit.wording import Data, Group


def _count(number: int) -> str:
    return str(formats.number_format(number, force_grouping=True))


def _day(text: str | None) -> str:
    on = dt.date.fromisoformat(str(text))
    return str(formats.date_format(on, pgettext("date format", "j M Y")))


def fault(data: Data) -> str:
    """Return what checking found wrong, as a sentence."""
    row, until = int(data["row"]), int(data.get("until") or data["row"])
    words = {
        "missing": _("Row {row} is missing: it was removed."),
        "order": _("Row {row} does not follow the row before it."),
        "changed": _("Row {row} was changed."),
        "rewritten": _("Rows {row} to {until} were written anew: the head of {day} was signed over another hash."),
        "cut off": _(
            "Rows {row} to {until} are missing at the end: the head of {day} was signed over the last of them."
        ),
        "signature": _("The signed head of {day} was changed."),
        "key": _("The key that signs heads was replaced."),
        "no head": _("The signed head that row {row} tells of was removed or changed."),
        "emptied": _("All rows and all signed heads were removed."),
    }
    if until > row:
        words |= {
            "missing": _("Rows {row} to {until} are missing: they were removed."),
            "order": _("Rows {row} to {until} do not follow one another."),
            "changed": _("Rows {row} to {until} were changed."),
        }
    day = _day(data["on"]) if data.get("on") else ""
    return words[data["problem"]].format(row=_count(row), until=_count(until), day=day)


def _checked(data: Data) -> str:
    if data["faults"]:
        return _("The audit trail was checked: {fault}").format(fault=fault(data["faults"][0]))
    rows = int(data["rows"])
    return ngettext(
        "The audit trail was checked: {rows} row is as it was written",
        "The audit trail was checked: all {rows} rows are as they were written",
        rows,
    ).format(rows=_count(rows))


def _signed(data: Data) -> str:
    return _("The head of the audit trail was signed: row {row}").format(row=_count(int(data["sequence"])))


def _exported(data: Data) -> str:
    return _("The audit trail was exported as {form}, up to row {row}").format(
        form={"csv": "CSV", "jsonl": "JSON lines"}[data["form"]], row=_count(int(data["up_to"]))
    )


def _key_made(_data: Data) -> str:
    return _("A key was made that signs the audit trail")


SENTENCES: dict[str, Any] = {
    "audit.key_made": _key_made,
    "audit.head_signed": _signed,
    "audit.checked": _checked,
    "audit.exported": _exported,
}
wording.register(Group("audit", gettext_lazy("The audit trail"), SENTENCES))
