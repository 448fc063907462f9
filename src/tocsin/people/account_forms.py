"""Forms of accounts, and of what people change of their own."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tocsin.kernel.clock import Instant, day_of, now
from tocsin.people import keys, policy
from tocsin.people.choices import Clearance, Role, Scope
from tocsin.people.models import Person
from tocsin.people.password_forms import PasswordTwice

BY_ROLE = ("", _("What the role is cleared for"))


class AccountForm(forms.Form):
    """Who somebody is, what they may, and up to which label they may see."""

    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    clearance = forms.ChoiceField(label=_("Cleared up to"), required=False, choices=[BY_ROLE, *Clearance.choices])

    def __init__(self, *args: Any, given_by: Person, person: Person | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = [(code, label) for code, label in Role.choices if policy.may_give(given_by, code)]
        self.fields["role"].choices = given  # type: ignore[attr-defined]
        if person is not None and person == given_by:
            # Nobody changes their own role and clearance: so they are not asked for.
            del self.fields["role"], self.fields["clearance"]
        self.person = person

    def answers(self) -> dict[str, Any]:
        """Return what the action asks for."""
        kept = {name: getattr(self.person, name, "") for name in ("role", "clearance")}
        return {**kept, **self.cleaned_data}


class NewAccountForm(forms.Form):
    """A new account."""

    email = forms.CharField(
        label=_("E-mail address to sign in with"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    name = forms.CharField(
        label=_("Name"), max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.ANALYST)

    def __init__(self, *args: Any, given_by: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = [(code, label) for code, label in Role.choices if policy.may_give(given_by, code)]
        self.fields["role"].choices = given  # type: ignore[attr-defined]


class NewPasswordForm(PasswordTwice):
    """Another password, against the old one."""

    old = forms.CharField(
        label=_("Password until now"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )

    field_order = ("old", "password", "again")

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, person=person, **kwargs)
        self.fields["password"].label = _("New password")
        if not person.has_usable_password():  # who signs in by mailed links has none to know
            del self.fields["old"]


class ApiKeyForm(forms.Form):
    """A key of the API."""

    name = forms.CharField(
        label=_("Name"),
        max_length=keys.LONGEST_NAME,
        help_text=_("Of the program that will use it."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"), choices=Scope.choices, initial=[Scope.READ_FINDINGS], widget=forms.CheckboxSelectMultiple
    )
    expires_on = forms.DateField(
        label=_("Last day"),
        help_text=_("Within a year. The day ends at midnight in UTC."),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def clean_expires_on(self) -> dt.date:
        """Return the last day if it is neither past nor more than a year ahead."""
        day: dt.date = self.cleaned_data["expires_on"]
        today = day_of(now())
        if not today <= day <= today + dt.timedelta(days=365):
            raise ValidationError(_("A key ends after a year at most, and not before today."))
        return day

    def expires_at(self) -> Instant:
        """Return the end of the last day."""
        return dt.datetime.combine(self.cleaned_data["expires_on"], dt.time(23, 59, 59), dt.UTC)
