"""Who got how many open findings, in sentences of the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tocsin.directory.queries import constituents_with_ids

NAMED_AT_MOST = 3


def in_words(gained: Mapping[str, int]) -> list[str]:
    """Return sentences that say who got how many open findings."""
    if not gained:
        return [_("No open finding changes hands.")]
    if len(gained) > NAMED_AT_MOST:
        total = sum(gained.values())
        changed = ngettext("%(n)s open finding changed hands.", "%(n)s open findings changed hands.", total)
        return [changed % {"n": _count(total)}]
    names = {row.public_id: row.local_name for row in constituents_with_ids(gained)}
    return [_belong(number, names.get(constituent, constituent)) for constituent, number in gained.items()]


def _belong(number: int, name: str) -> str:
    if name:
        said = ngettext(
            "%(n)s open finding now belongs to %(name)s.", "%(n)s open findings now belong to %(name)s.", number
        )
    else:
        said = ngettext("%(n)s open finding now is nobody’s.", "%(n)s open findings now are nobody’s.", number)
    return said % {"n": _count(number), "name": name}


def _count(number: int) -> str:
    return formats.number_format(number, force_grouping=True)
