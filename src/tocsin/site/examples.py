"""Invented values for `/parts/`, in the shapes that the tags take. Also what the pictures and tests draw."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from tocsin.kernel.clock import day_of, now
from tocsin.site.navigation import PLACES, Count, Shown

OPENED = [
    38,
    35,
    41,
    44,
    39,
    30,
    28,
    42,
    40,
    36,
    45,
    43,
    31,
    29,
    39,
    41,
    46,
    42,
    38,
    33,
    30,
    47,
    44,
    48,
    52,
    49,
    41,
    45,
]
GONE = [30, 33, 31, 36, 34, 22, 20, 35, 33, 36, 38, 36, 24, 23, 31, 36, 37, 36, 35, 26, 24, 38, 36, 39, 37, 40, 33, 30]


ASKED = ("sort", "page", "owner")
"""What its links ask for, beside the filters: the page is drawn the same whatever it is."""


def parts() -> dict[str, Any]:
    """Return the context of `parts.html`."""
    return {
        "crisis": {
            "title": _("Crisis level %(level)s of 4: %(word)s") % {"level": 3, "word": _("severe")},
            "since": _("since %(time)s, decided by %(person)s") % {"time": "06:20", "person": "Ilse Maravu"},
            "ground": _("Two essential services stopped, safety of life possible"),
            "url": "#",
        },
        "side_bar": places(),
        "form": network_form(),
        "views": [
            {"label": _("Open, worst first"), "url": "?", "is_current": True},
            {"label": _("Came back"), "url": "?state=returned", "is_current": False},
            {"label": _("Mine"), "url": "?owner=me", "is_current": False},
        ],
        "facets": facets(),
        "rows": rows(),
        "page": Page(),
        "levels": levels(),
        "feeds": [(f"feed {number}", "silent" if number == 8 else "ok") for number in range(1, 13)],
        "hours": [*OPENED[:20], 50, 55, 64],
        "calm": OPENED,
        "usual": (26, 52),
        "trend": trend(),
        "kinds": kinds(),
        "events": [timezone.now() - datetime.timedelta(hours=hours) for hours in (1, 3, 27)],
        "by_severity": {1: 1, 3: 2, 5: 3},
    }


def facets() -> list[dict[str, Any]]:
    """A filter bar of two lines."""
    states = [("open", _("Open"), 58), ("told", _("Open, told"), 144), ("returned", _("Came back"), 12)]
    return [
        {
            "name": "state",
            "label": _("State"),
            "values": [{"code": code, "label": label, "count": count} for code, label, count in states],
        },
        {
            "name": "severity",
            "label": _("Severity"),
            "values": [
                {"code": level, "label": "", "count": count, "severity": level}
                for level, count in ((2, 2), (3, 11), (4, 47), (5, 96), (6, 67))
            ],
        },
    ]


def rows() -> list[dict[str, Any]]:
    """Four findings as a list shows them."""
    now = timezone.now()
    what = (
        (2, _("Grid control room calls a ransomware server"), "Power Authority", "192.0.2.18", "open", "RED"),
        (3, _("Remote desktop open to the internet"), "Ministry of Lands", "198.51.100.40", "told", "GREEN"),
        (4, _("Machine sends spam for a botnet"), "Island Net", "203.0.113.66", "returned", "AMBER+STRICT"),
        (
            6,
            _("Name server answers questions from everyone"),
            "Halcyon Island Council",
            "2001:db8:41::25",
            "gone",
            "CLEAR",
        ),
    )
    days = ("." * 28 + "nn", "s" * 14 + "." + "s" * 15, "......sssssss.............nnnn", "ssssssss" + "." * 22)
    return [
        {
            "severity": row[0], "what": row[1], "whose": row[2], "where": row[3], "state": row[4], "tlp": row[5],
            "days": days[index], "first": now - datetime.timedelta(days=40 * index), "last": now,
            "is_chosen": index == 1,
        }
        for index, row in enumerate(what)
    ]  # fmt: skip


class Page:
    """Stands for Django's page of a list."""

    number = 2
    paginator = type("Paginator", (), {"count": 2310})

    def start_index(self) -> int:
        """Place of the first row."""
        return 51

    def end_index(self) -> int:
        """Place of the last row."""
        return 100

    def has_next(self) -> bool:
        """Whether there is a further page."""
        return True

    def has_previous(self) -> bool:
        """Whether there is an earlier page."""
        return True


def levels() -> list[dict[str, Any]]:
    """The five crisis levels."""
    words = (_("routine"), _("heightened"), _("serious"), _("severe"), _("national"))
    since = {3: _("since %(time)s") % {"time": "06:20"}, 4: _("at %(time)s") % {"time": "07:05"}}
    return [{"number": number, "word": word, "since": since.get(number, "")} for number, word in enumerate(words)]


def places() -> tuple[Shown, ...]:
    """The whole side bar, whichever rooms there are."""
    counts = {"findings": Count("223"), "cases": Count("17"), "continuity": Count(_("4 stopped"), matters=True)}
    return tuple(
        Shown(place.label, "#", place.key, counts.get(place.name), place.name == "readiness", ()) for place in PLACES
    )


def trend() -> dict[str, Any]:
    """Findings opened and gone, thirty days."""
    today = day_of(now())
    days = [(today - datetime.timedelta(days=29 - index)).isoformat() for index in range(30)]
    return {
        "name": _("Findings opened and gone per day"),
        "caption": _("Findings per day, 30 days. Source: invented."),
        "head": [_("Day"), _("Opened"), _("Gone")],
        "at": days,
        "days": [days[0][5:], days[10][5:], days[20][5:], days[29][5:]],
        "lines": [
            {"label": _("%(number)s opened") % {"number": 97}, "values": [*OPENED, 58, 97], "look": "above"},
            {"label": _("%(number)s gone") % {"number": 18}, "values": [*GONE, 29, 18]},
        ],
        "usual": {"low": 26, "high": 52, "label": _("usual, %(low)s–%(high)s") % {"low": 26, "high": 52}},
    }


def kinds() -> dict[str, Any]:
    """Open findings by kind."""
    counted = (
        (_("Open service"), 85), (_("Weak encryption"), 39), (_("Infected machine"), 31), (_("Phishing"), 22),
    )  # fmt: skip
    bars = [{"label": label, "value": value} for label, value in counted]
    return {
        "name": _("Open findings by kind"),
        "caption": _("Open findings by kind. Source: invented."),
        "head": [_("Kind"), _("Open")],
        "bars": [*bars, {"label": _("other"), "value": 13, "is_other": True}],
    }


class NetworkForm(forms.Form):
    """A form of two fields, one of which refuses what the example puts in."""

    network = forms.CharField()
    organisation = forms.CharField()

    def clean_network(self) -> str:
        """Refuse what is no whole network, naming the way out."""
        given = str(self.cleaned_data["network"])
        if "/" not in given:
            raise ValidationError(_("%(given)s is not a whole network. Write it as 203.0.113.0/24.") % {"given": given})
        return given


def network_form() -> NetworkForm:
    """Return the form as it comes back with something to put right."""
    form = NetworkForm({"network": "203.0.113", "organisation": "Island Net"})
    form.fields["network"].label, form.fields["network"].help_text = _("Network"), _("One network, in CIDR form")
    form.fields["organisation"].label = _("Organisation")
    form.fields["organisation"].help_text = _("Who is responsible for it")
    return form
