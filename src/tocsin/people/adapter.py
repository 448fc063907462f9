"""What allauth asks us: nobody signs up, and guesses count for the account, however its address is written."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.userkit import filter_users_by_email
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tocsin.people import access, limiter, passkeys, sealing, visitors
from tocsin.people.models import normal_email


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """For accounts."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("The e-mail address or the password is not right."),
        "too_many_login_attempts": _("Too many attempts failed. Try again later."),
    }

    _guess: limiter.Guess | None = None

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return from where a request comes."""
        return visitors.address(request)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are opened by an administrator."""
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Return where a person begins who was going nowhere else."""
        return access.first_page(request.user)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt for the account that would be tried, however its address is written."""
        email = normal_email(str(credentials.get("email", "")))
        people = filter_users_by_email(email, prefer_verified=True, for_login=True)
        self._guess = limiter.begin(request, people[0] if people else email)
        if self._guess is None:
            raise self.validation_error("too_many_login_attempts")

    def _rollback_login_failed_rl_usage(self) -> None:
        """Take back what a right password cost; allauth calls it."""
        if self._guess is not None:
            self._guess.was_right()

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Send nothing: there is no mail yet."""

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: our pages say what happened where it happened."""


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """For second factors."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code is not right."),
    }

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the name to which passkeys belong, and what a device calls it."""
        return {"id": passkeys.name_of(context.request), "name": self.get_totp_issuer()}

    def encrypt(self, text: str) -> str:
        """Return a secret as the database holds it."""
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Return a secret that the database holds."""
        return sealing.unseal(encrypted_text)

    def get_totp_issuer(self) -> str:
        """Return the name under which an authenticator lists the account."""
        return f"Tocsin {settings.TOCSIN_TEAM_NAME}"
