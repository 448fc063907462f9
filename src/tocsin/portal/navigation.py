"""The places of the pages of members, in the order in which they are needed.

As in the side bar of the team, a place is shown as soon as an address has its name and the person may open it.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tocsin.people.access import may_open

PLACES = (
    ("my", pgettext_lazy("first page of a member", "Overview")),
    ("my:findings", _("Findings")),
    ("my:notices", _("Notices")),
    ("my:entry", _("Your entry")),
    ("my:webhooks", _("Webhooks")),
)
"""Name of an address → what the place is called."""


@dataclasses.dataclass(frozen=True)
class Shown:
    """A place as one page shows it."""

    label: Any
    url: str
    is_here: bool
    is_page: bool
    """Whether it is this very page."""


def places(path: str, person: Any) -> list[Shown]:
    """Return the places that a person may open, with the one that the page at `path` belongs to marked."""
    urls = [(label, url) for name, label in PLACES if (url := _address(name)) and may_open(person, url)]
    here = max((url for _, url in urls if path.startswith(url)), key=len, default="")
    return [Shown(label, url, url == here, url == path) for label, url in urls]


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
