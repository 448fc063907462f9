"""What the software writes into a ledger by itself, as code and values, and its words in the reader's language.

A sentence without values is kept as it stands in the source, in English, and put into words when it is shown. What
people and mail servers say stands in the note of the entry, as they said it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from tocsin.notices.choices import Struck

NO_WEBHOOK = gettext_noop("By mail: the organisation has no webhook.")
OFF_THE_LIST = gettext_noop("Its message was taken off the list of the outbox.")


def sentence(words: str) -> dict[str, Any]:
    """Return what is kept of a sentence of the software, given in English."""
    return {"sentence": words}


def struck_off(struck: Mapping[str, str], *, is_all: bool = False) -> dict[str, Any]:
    """Return what is kept of findings that were struck off, given with why; `is_all` when nothing was left."""
    return {"struck": dict(Counter(map(str, struck.values()))), "is_all": is_all}


def words(said: Mapping[str, Any]) -> str:
    """Return what is kept in words; empty for nothing."""
    english = said.get("sentence")
    if english:
        return _(english)
    if "struck" not in said:
        return ""
    reasons = counted(said["struck"])
    return _("Nothing of it is left to tell: {reasons}.").format(reasons=reasons) if said.get("is_all") else reasons


def counted(counts: Mapping[str, int]) -> str:
    """Return how many findings are struck off for which reasons; one that another version wrote, as it stands."""
    labels = dict(Struck.choices)
    known = [why for why in labels if why in counts]
    return ", ".join(
        f"{labels.get(why, why)} ({counts[why]})" for why in [*known, *sorted(counts.keys() - labels.keys())]
    )
