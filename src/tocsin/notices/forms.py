"""Forms of the room's pages. They read what was typed; whether it may stand is decided by the actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils import formats
from django.utils.dates import WEEKDAYS
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from tocsin.directory.models import Constituent
from tocsin.directory.queries import in_order_of_names
from tocsin.directory.sectors import sector_label, sectors
from tocsin.feeds.wording import class_label
from tocsin.kernel import rsit
from tocsin.kernel.collation import collated
from tocsin.notices.choices import TLP_CHOICES, Attachment, Channel
from tocsin.notices.rules import MAY_BE_HELD_OUT

SEVERITIES = [(level, f"C{level}") for level in range(1, 7)]


def _sectors() -> list[tuple[str, str]]:
    language = get_language() or "en"
    return [("", _("Every sector")), *((code, sector_label(code, language)) for code in sectors())]  # type: ignore[list-item]


def _classes() -> list[tuple[str, Any]]:
    named = sorted(((name, class_label(name)) for name in rsit.types()), key=lambda each: collated(each[1]))
    return [("", _("Every class")), *named]


def _languages() -> list[tuple[str, Any]]:
    return [("", _("The contact’s own")), *settings.LANGUAGES]


def _days() -> list[tuple[int, Any]]:
    return list(WEEKDAYS.items())


class _Constituents(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the constituents, by its name in the reader's language."""

    def label_from_instance(self, obj: Constituent) -> str:
        """Return the name."""
        return obj.local_name


def _constituent(label: Any, empty: Any) -> _Constituents:
    return _Constituents(
        Constituent.objects.none(), label=label, empty_label=empty, to_field_name="public_id", required=False
    )


class _AboutConstituents(forms.Form):
    """A form that names constituents, in the order of their names."""

    def __init__(self, *args: Any, constituents: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = {row.public_id: row for row in constituents}
        order = [rows[public] for public in in_order_of_names(rows.values())]
        for field in self.fields.values():
            if isinstance(field, _Constituents):
                field.queryset = constituents
                first = [("", field.empty_label)] if field.empty_label is not None else []
                field.choices = [*first, *((row.public_id, row.local_name) for row in order)]


class _Time(forms.TimeInput):
    """An hour, with the browser's own field."""

    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class _Day(forms.DateInput):
    """A day, with the browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class PolicyForm(_AboutConstituents):
    """A policy."""

    constituent = _constituent(_("Constituent"), _("Every constituent"))
    sector = forms.ChoiceField(label=_("Sector"), choices=_sectors, required=False)
    category = forms.ChoiceField(label=_("Class of findings"), choices=_classes, required=False)
    threshold = forms.TypedChoiceField(
        label=_("The mildest severity that is told"), choices=SEVERITIES, coerce=int, initial=4
    )
    interval_hours = forms.IntegerField(
        label=_("Hours between two notices"), initial=24, min_value=1,
        help_text=_("A constituent gets one notice in so many hours at most."),
    )  # fmt: skip
    channel = forms.ChoiceField(label=_("Way"), choices=Channel.choices, initial=Channel.MAIL)
    language = forms.ChoiceField(label=_("Language"), choices=_languages, required=False)
    attachment = forms.ChoiceField(label=_("Attachment"), choices=Attachment.choices, initial=Attachment.CSV)
    tlp = forms.ChoiceField(
        label=_("Strictest label"), choices=TLP_CHOICES, initial="AMBER",
        help_text=_("What is marked more strictly is not told by this policy."),
    )  # fmt: skip
    work_days = forms.TypedMultipleChoiceField(
        label=_("Working days"), choices=_days, coerce=int, required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("None for any day."),
    )  # fmt: skip
    works_from = forms.TimeField(label=_("Work begins"), required=False, widget=_Time)
    works_until = forms.TimeField(label=_("Work ends"), required=False, widget=_Time)
    time_zone = forms.CharField(
        label=_("Time zone"), required=False, max_length=60,
        help_text=_("Africa/Nairobi. Empty for the one of this instance."),
    )  # fmt: skip
    second_after_days = forms.IntegerField(
        label=_("Days until the second contact is told"), required=False, min_value=1,
        help_text=_("When nobody reacts. Empty for never."),
    )  # fmt: skip
    parent_after_days = forms.IntegerField(
        label=_("Days until the parent organisation is told"), required=False, min_value=1
    )
    regulator_after_days = forms.IntegerField(label=_("Days until the regulator is told"), required=False, min_value=1)
    regulator = _constituent(_("Regulator"), _("None"))
    digest = forms.BooleanField(label=_("What stays open comes again in a weekly list"), required=False)
    sign = forms.BooleanField(label=_("Signed"), required=False, initial=True)
    encrypt = forms.BooleanField(label=_("Encrypted where the contact has a key"), required=False, initial=True)


KINDS_NAMED = 3


def _with_kinds(open_now: Mapping[str, Sequence[tuple[str, int]]]) -> list[Any]:
    """Return the classes to choose from: those of which something is open first, by what the findings are called."""
    several = {name: open_now[name] for name, _label in _classes() if open_now.get(name)}
    first = [(name, _named(name, kinds)) for name, kinds in several.items()]
    rest = [(name, label) for name, label in _classes() if name and name not in several]
    groups = [(_("Open now"), first), (_("Nothing open now"), rest)]
    return [("", _("Every class")), *(group for group in groups if group[1])]


def _named(name: str, kinds: Sequence[tuple[str, int]]) -> str:
    count = sum(number for _kind, number in kinds)
    called = [kind for kind, _number in kinds[:KINDS_NAMED]] + (["…"] if len(kinds) > KINDS_NAMED else [])
    words = _("{what} ({n}): {kinds}")
    shown = formats.number_format(count, force_grouping=True)
    return str(words).format(what=class_label(name), n=shown, kinds=", ".join(called))


class SuppressionForm(_AboutConstituents):
    """What is not to be told for a while."""

    def __init__(self, *args: Any, open_now: Mapping[str, Sequence[tuple[str, int]]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = _with_kinds(open_now)  # type: ignore[attr-defined]

    constituent = _constituent(_("Constituent"), _("Every constituent"))
    category = forms.ChoiceField(label=_("Class of findings"), choices=_classes, required=False)
    network = forms.CharField(
        label=_("Network"), max_length=60, required=False, help_text=_("198.18.4.0/24 or 2001:db8::/32")
    )
    finding = forms.CharField(label=_("Id of a finding"), max_length=26, required=False)
    until = forms.DateField(label=_("Last day"), required=False, widget=_Day)
    reason = forms.CharField(label=_("Why"), max_length=2_000, required=False, widget=forms.Textarea(attrs={"rows": 3}))


def _mild_classes() -> list[tuple[str, Any]]:
    return [(name, class_label(name)) for name in MAY_BE_HELD_OUT]


class HoldOutForm(forms.Form):
    """Who is not told of what for a while, to see whether telling helps."""

    category = forms.ChoiceField(
        label=_("Class of findings"), choices=_mild_classes,
        help_text=_("Only those of C5 and C6: what is more severe is always told."),
    )  # fmt: skip
    share = forms.IntegerField(
        label=_("Per cent of organisations that are not told"), initial=50, required=False,
        help_text=_("They are drawn by lot, whole organisations each. 50 is the most, and tells soonest."),
    )  # fmt: skip
    until = forms.DateField(
        label=_("Last day"), required=False, widget=_Day,
        help_text=_("Then they are told of what is still there. 180 days are the longest."),
    )  # fmt: skip
    reason = forms.CharField(
        label=_("Why"), max_length=2_000, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What you want to find out, and who agreed to it."),
    )  # fmt: skip
    understood = forms.CharField(label=_("Write what it means"), max_length=200, required=False)


class DiscardForm(forms.Form):
    """Why a notice is not sent."""

    reason = forms.CharField(label=_("Why it is not sent"), max_length=500)
