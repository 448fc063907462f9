"""What allauth asks us: nobody signs up, and guesses count for the account, however its address is written."""

from __future__ import annotations

import contextlib
import ipaddress
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.userkit import filter_users_by_email
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tocsin.people.models import normal_email


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """For accounts."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("The e-mail address or the password is not right."),
        "too_many_login_attempts": _("Too many attempts failed. Try again later."),
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return whom guesses are counted by: what a trusted proxy says of its visitor, else the other end itself."""
        address: str = request.META["REMOTE_ADDR"]
        if address in settings.TOCSIN_TRUSTED_PROXIES:
            told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
            with contextlib.suppress(ValueError):
                return str(ipaddress.ip_address(told))
        return address

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are opened by an administrator."""
        return False

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Return what wrong passwords are counted by: the account that would be tried.

        allauth's own key has the host name and the address as typed in it; both can be varied to get more guesses.
        """
        email = str(credentials.get("email", ""))
        people = filter_users_by_email(email, prefer_verified=True, for_login=True)
        return f"person:{people[0].pk}" if people else f"email:{normal_email(email)}"

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

    def get_totp_issuer(self) -> str:
        """Return the name under which an authenticator lists the account."""
        return f"Tocsin {settings.TOCSIN_TEAM_NAME}"
