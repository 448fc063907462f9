"""Forms of the pages of members. They read what was typed; whether it may stand is decided by the actions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tocsin.feeds.choices import AnswerKind

ANSWERS = [(kind.value, kind.label) for kind in AnswerKind if kind != AnswerKind.TAKEN_BACK]
TAKING_BACK = (AnswerKind.TAKEN_BACK.value, AnswerKind.TAKEN_BACK.label)


class _Day(forms.DateInput):
    """A day, with the browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class AnswerForm(forms.Form):
    """What is said of one finding or several."""

    kind = forms.ChoiceField(label=_("Your answer"), widget=forms.RadioSelect, choices=ANSWERS, required=False)
    text = forms.CharField(
        label=_("In your words"),
        required=False,
        help_text=_("What was done, or why. Needed for an accepted risk, and where there is no such problem."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    until = forms.DateField(
        label=_("Until which day"),
        required=False,
        help_text=_("Only for an accepted risk: a year at most."),
        widget=_Day,
    )

    def __init__(self, *args: Any, may_take_back: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if may_take_back:
            self.fields["kind"].choices = [*ANSWERS, TAKING_BACK]  # type: ignore[attr-defined]
