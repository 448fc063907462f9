"""Forms that a browser fills with what a passkey answers."""

from __future__ import annotations

from typing import Any

from allauth.core import context
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tocsin.kernel import legible
from tocsin.people import limiter, passkeys
from tocsin.people.models import Person


class PasskeyForm(forms.Form):
    """A passkey, shown. `authenticator` is which."""

    credential = forms.JSONField(widget=forms.HiddenInput)
    token = forms.CharField(widget=forms.HiddenInput, max_length=2000)
    authenticator: Authenticator

    def __init__(self, *args: Any, user: Person | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        """Check the answer; a wrong one counts as a guess."""
        fields = super().clean() or {}
        guess = limiter.begin(context.request, self.user)
        if guess is None:
            raise ValidationError(_("Too many attempts failed. Try again later."))
        if not isinstance(fields.get("credential"), dict) or not fields.get("token"):
            raise ValidationError(_("This passkey could not be checked. Try again."))
        self.authenticator = passkeys.finish(fields["token"], fields["credential"], self.user)
        guess.was_right()
        self.user = self.authenticator.user
        return fields

    def save(self) -> None:
        """Note that the passkey was used; allauth calls it after the password."""
        post_authentication(context.request, self.authenticator)


def _legible_name(name: str) -> str:
    if said := legible.flaw(name):
        raise ValidationError(gettext(said))
    return name


class PasskeyNameForm(forms.Form):
    """What a person calls a passkey."""

    name = forms.CharField(
        label=_("Name of the passkey"),
        max_length=passkeys.LONGEST_NAME,
        help_text=_("Such as the device that holds it."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )

    def clean_name(self) -> str:
        """Return the name if people can read it."""
        return _legible_name(self.cleaned_data["name"])


class NewPasskeyForm(PasskeyNameForm):
    """A new passkey and its name."""

    credential = forms.JSONField(widget=forms.HiddenInput, required=False)
    token = forms.CharField(widget=forms.HiddenInput, max_length=2000, required=False)

    def clean(self) -> dict[str, Any]:
        """Check the answer, once the name will do: a challenge is good once."""
        fields = super().clean() or {}
        if self.errors:
            return fields
        if not isinstance(fields.get("credential"), dict):
            raise ValidationError(_("This passkey could not be checked. Try again."))
        passkeys.finish_adding(fields.get("token", ""), fields["credential"])
        return fields
