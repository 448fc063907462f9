"""A new password, given twice: what the forms of enrolling and of one's own account share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.utils.translation import gettext_lazy as _

from tocsin.people.models import Person


class PasswordTwice(forms.Form):
    """A password, twice."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("The same password again"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, person: Person | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        self.fields["password"].help_text = " ".join(password_validators_help_texts())

    def clean_password(self) -> str:
        """Return the password if it is good enough."""
        password: str = self.cleaned_data["password"]
        validate_password(password, self.person)
        return password

    def clean(self) -> dict[str, Any]:
        """Return the fields if both passwords are the same: also where the first one will not do."""
        fields = super().clean() or {}
        first, second = (self[name].value() for name in ("password", "again"))
        if first and second and first != second:
            self.add_error("again", _("The two passwords differ."))
        return fields
