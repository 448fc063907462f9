"""Addresses of accounts, below /people/, and of one's own, below /account/."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tocsin.people.access import needs, signed_in
from tocsin.people.policy import Ability
from tocsin.people.views import accounts, authenticator, own, passkeys

manages = needs(Ability.MANAGE_PEOPLE)

_accounts = [
    path("add/", manages(accounts.add), name="add"),
    path("<int:pk>/", manages(accounts.account), name="account"),
    path("<int:pk>/change/", manages(accounts.change), name="change"),
    path("<int:pk>/link/", manages(accounts.new_link), name="link"),
    path("<int:pk>/close/", manages(accounts.close), name="close"),
    path("<int:pk>/open/", manages(accounts.open_again), name="open"),
    path("<int:pk>/sessions/end/", manages(accounts.end_sessions), name="end-sessions"),
    path("<int:pk>/keys/<int:key>/revoke/", manages(accounts.revoke_key), name="revoke-key"),
]
_own = [
    path("password/", signed_in(own.change_password), name="password"),
    path("sessions/<int:pk>/end/", signed_in(own.end_session), name="end-session"),
    path("sessions/end/", signed_in(own.end_other_sessions), name="end-sessions"),
    path("authenticator/", signed_in(authenticator.replace), name="authenticator"),
    path("authenticator/remove/", signed_in(authenticator.remove), name="remove-authenticator"),
    path("passkeys/add/", signed_in(passkeys.add_passkey), name="add-passkey"),
    path("passkeys/<int:pk>/", signed_in(passkeys.rename_passkey), name="rename-passkey"),
    path("passkeys/<int:pk>/remove/", signed_in(passkeys.remove_passkey), name="remove-passkey"),
    path("keys/add/", signed_in(own.add_key), name="add-key"),
    path("keys/<int:pk>/revoke/", signed_in(own.revoke_key), name="revoke-key"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("people/", manages(accounts.accounts), name="people"),
    path("people/roles/", signed_in(accounts.roles), name="roles"),
    path("people/", include((_accounts, "people"))),
    path("account/", signed_in(own.account), name="account"),
    path("account/confirm/", signed_in(own.confirm), name="confirm"),
    path("account/", include((_own, "own"))),
]
