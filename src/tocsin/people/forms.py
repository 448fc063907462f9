"""Forms of signing in and enrolling."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tocsin.kernel import legible
from tocsin.people import limiter, queries, sealing
from tocsin.people.models import Person, normal_email
from tocsin.people.password_forms import PasswordTwice

LONGEST_EMAIL = Person._meta.get_field("email").max_length
CODE_KEEPS_S = 180
"""A used code stays used for longer than it could be valid (a step of 30 s, one before, one after)."""


class SignInForm(LoginForm):  # type: ignore[misc]
    """Address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address")
        self.fields["login"].widget.attrs = {"autocomplete": "username", "autofocus": True}
        self.fields["password"].widget.attrs = {"autocomplete": "current-password"}
        self.fields["password"].help_text = ""

    def clean_login(self) -> str:
        """Return the address in its one form."""
        return normal_email(self.cleaned_data["login"])


def _ask_for_code(form: forms.Form) -> None:
    form.fields["code"].widget.attrs = {
        "autocomplete": "one-time-code",
        "inputmode": "numeric",
        "autofocus": True,
        "maxlength": "20",
        "dir": "ltr",
    }


def _counted(person: Person) -> limiter.Guess:
    """Count a guess at a code. Raises ValidationError when there were too many: then none is checked."""
    guess = limiter.begin(context.request, person)
    if guess is None:
        raise ValidationError(_("Too many attempts failed. Try again later."))
    return guess


def _use_up(person: Person, code: str) -> None:
    """Refuse a code that was used before, wherever and however it was written; from now on this one was."""
    if not cache.add(f"people.code.{person.pk}.{normalize_user_code(code)}", "used", timeout=CODE_KEEPS_S):
        raise ValidationError(_("This code was used before. Wait for the next one."))


class SecondFactorForm(AuthenticateForm):  # type: ignore[misc]
    """A code of the authenticator or a recovery code, good once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("Code")
        _ask_for_code(self)

    def clean_code(self) -> str:
        """Return the code, which from now on is used up."""
        guess = _counted(self.user)
        code: str = super().clean_code()
        _use_up(self.user, code)
        guess.was_right()
        return code


class AuthenticatorForm(ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a new authenticator.

    Until it comes the secret waits in the session, which is a row of the database: sealed there, as it is later.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.secret = _sealed_meanwhile()
        self.fields["code"].label = _("Code that the authenticator shows now")
        _ask_for_code(self)

    def clean_code(self) -> str:
        """Return the code, which does not sign in afterwards. After a wrong one there is another secret."""
        try:
            code: str = super().clean_code()
        finally:
            self.secret = _sealed_meanwhile()
        _use_up(self.user, code)
        return code

    def forget(self) -> None:
        """Leave nothing of the secret in the session: it is kept where it belongs."""
        context.request.session.pop(SECRET_SESSION_KEY, None)


def _sealed_meanwhile() -> str:
    """Seal the secret that waits in the session; return it as it is."""
    session = context.request.session
    secret = sealing.unseal(session[SECRET_SESSION_KEY])
    session[SECRET_SESSION_KEY] = sealing.seal(secret)
    return secret


class EnrolmentForm(PasswordTwice):
    """A password, twice, at which one begins."""

    def __init__(self, *args: Any, person: Person | None, **kwargs: Any) -> None:
        super().__init__(*args, person=person, **kwargs)
        self.fields["password"].widget.attrs["autofocus"] = True

    def answers(self) -> dict[str, str]:
        """Return what the enrolment action asks for."""
        return {"password": self.cleaned_data["password"]}


class EnrolmentByMailForm(EnrolmentForm):
    """A password, twice, or none."""

    def __init__(self, *args: Any, person: Person | None, **kwargs: Any) -> None:
        super().__init__(*args, person=person, **kwargs)
        for field in self.fields.values():
            field.required = False

    def clean_password(self) -> str:
        """Return the password if it is good enough, or nothing."""
        return super().clean_password() if self.cleaned_data["password"] else ""

    def clean(self) -> dict[str, Any]:
        """Return the fields if both are the same: one alone was forgotten."""
        fields = super().clean()
        if bool(self["password"].value()) != bool(self["again"].value()):
            self.add_error("again", _("The two passwords differ."))
        return fields


class AddressForm(forms.Form):
    """Whose link is asked for."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=LONGEST_EMAIL,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )

    def clean_email(self) -> str:
        """Return the address in its one form, if it is one."""
        email = normal_email(self.cleaned_data["email"])
        validate_email(email)
        return email


class FirstEnrolmentForm(EnrolmentForm):
    """Who the first person of a new instance is, and a password, twice."""

    email = forms.EmailField(
        label=_("E-mail address to sign in with"),
        max_length=LONGEST_EMAIL,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"}))

    field_order = ("email", "name", "password", "again")

    def __init__(self, *args: Any, person: Person | None, **kwargs: Any) -> None:
        super().__init__(*args, person=person, **kwargs)
        # One begins at the first field, which here is not the password.
        del self.fields["password"].widget.attrs["autofocus"]

    def clean_email(self) -> str:
        """Return the address in its one form if nobody has it yet."""
        email = normal_email(self.cleaned_data["email"])
        if queries.person_by_email(email) is not None:
            raise ValidationError(_("There is an account with this address already. Give another one."))
        return email

    def clean_name(self) -> str:
        """Return the name if people can read it."""
        name: str = self.cleaned_data["name"]
        if said := legible.flaw(name):
            raise ValidationError(gettext(said))
        return name

    def clean_password(self) -> str:
        """Return the password if it is good enough and not like address or name."""
        fields = self.cleaned_data
        self.person = Person(email=fields.get("email", ""), name=fields.get("name", ""))
        return super().clean_password()

    def answers(self) -> dict[str, str]:
        """Return what the enrolment action asks for."""
        return {**super().answers(), "email": self.cleaned_data["email"], "name": self.cleaned_data["name"]}
