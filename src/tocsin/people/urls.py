"""Addresses of signing in, below /sign-in/. allauth asks for some of the names."""

from __future__ import annotations

from django.urls import path

from tocsin.people.access import enrolling, public, signed_in
from tocsin.people.choices import Purpose
from tocsin.people.views import by_mail, elsewhere
from tocsin.people.views import signing_in as views

urlpatterns = [
    path("", public(views.SignIn.as_view()), name="account_login"),
    path("passkey/", public(views.sign_in_by_passkey), name="people_passkey"),
    path("code/", public(views.ShowSecondFactor.as_view()), name="mfa_authenticate"),
    path("closed/", public(views.closed), name="account_inactive"),
    path("no-access/", public(views.no_access), name="people_no_access"),
    path("link/", public(by_mail.ask), {"purpose": Purpose.SIGN_IN}, name="people_ask_link"),
    path("link/<str:token>/", public(by_mail.sign_in), name="people_mailed_link"),
    path("forgotten/", public(by_mail.ask), {"purpose": Purpose.RESET}, name="people_ask_reset"),
    path("forgotten/<str:token>/", public(by_mail.reset), name="people_reset"),
    path("elsewhere/", public(elsewhere.begin), name="people_elsewhere"),
    path("elsewhere/back/", public(elsewhere.back), name="people_back_from_elsewhere"),
    path("out/", enrolling(views.sign_out), name="account_logout"),
    path("enrol/", public(views.enrol), name="people_enrol"),
    path("enrol/<str:token>/", public(views.follow_enrolment_link), name="people_enrolment_link"),
    path("authenticator/", enrolling(views.set_up_second_factor), name="people_set_up_second_factor"),
    path("recovery-codes/", signed_in(views.recovery_codes), name="people_recovery_codes"),
    path("demo/<str:token>/", public(views.follow_demo_link), name="people_demo_link"),
]
