"""Forms of the room."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tocsin.feeds.actions.findings import MAX_NOTE
from tocsin.feeds.choices import TLP_CHOICES, AnswerKind
from tocsin.kernel import legible
from tocsin.kernel.collation import collated
from tocsin.people.choices import STAFF
from tocsin.people.models import Person

OWNER_NOBODY = "nobody"


def team() -> list[Person]:
    """Return who may be given a finding."""
    people = Person.objects.filter(is_active=True, role__in=STAFF)
    return sorted(people, key=lambda person: (collated(str(person)), person.pk))


def readable(text: str) -> None:
    """Refuse what nobody could read. Raises ValidationError."""
    if said := legible.flaw(text, lines=True):
        raise ValidationError(gettext(said))


class NoteForm(forms.Form):
    """A note about a finding."""

    text = forms.CharField(
        label=_("Note"),
        max_length=MAX_NOTE,
        validators=[readable],
        help_text=_("What the next person should know."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class _Day(forms.DateInput):
    """A day, with the browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class AnswerForm(forms.Form):
    """What a constituent said on the telephone, say: the team writes it down for it."""

    kind = forms.ChoiceField(label=_("Its answer"), choices=AnswerKind.choices, required=False)
    text = forms.CharField(label=_("In its words"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    until = forms.DateField(
        label=_("Until which day"), required=False, widget=_Day, help_text=_("Only for an accepted risk.")
    )


class VerdictForm(forms.Form):
    """What the team says to answers."""

    text = forms.CharField(
        label=_("What the constituent reads"),
        required=False,
        help_text=_("Needed where you do not agree."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    until = forms.DateField(
        label=_("Left in peace until"), required=False, widget=_Day, help_text=_("Where you agree: a year at most.")
    )


class OwnerForm(forms.Form):
    """Who looks after a finding."""

    owner = forms.ChoiceField(label=_("Owner"))

    def __init__(self, *args: Any, people: list[Person], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(OWNER_NOBODY, _("nobody")), *((str(each.pk), str(each)) for each in people)]
        self.fields["owner"].choices = choices  # type: ignore[attr-defined]


class TermsForm(forms.Form):
    """Label and terms of a feed."""

    tlp = forms.ChoiceField(
        label=_("May be shared"),
        choices=TLP_CHOICES,
        help_text=_("The label of its rows, on pages and in every export."),
    )
    terms = forms.CharField(
        label=_("Terms of use"),
        max_length=2_000,
        required=False,
        validators=[readable],
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What may be done with its data, in your words. Every export carries them."),
    )


class WithdrawForm(forms.Form):
    """Why an import is withdrawn."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=480,
        validators=[readable],
        help_text=_("Its reports count no more; findings are folded anew from what is left. The files stay."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
