"""The form of a webhook. It reads what was typed; whether it may stand is decided in `webhooks`."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from tocsin.portal.choices import Told


class WebhookForm(forms.Form):
    """Where an organisation wants to be told by machine, and what of."""

    url = forms.CharField(
        label=_("Address"),
        max_length=2000,
        help_text=_("It begins with https:// and can be reached from the Internet."),
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
    )
    label = forms.CharField(label=_("Name"), max_length=200, required=False, help_text=_("Of the program behind it."))
    told = forms.MultipleChoiceField(
        label=_("What it is told of"),
        choices=Told.choices,
        initial=Told.values,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
