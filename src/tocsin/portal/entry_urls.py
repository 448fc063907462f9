"""Addresses of what the team knows of a member's organisation, below /my/ and with names in the space `my`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from tocsin.portal.views import entry, wishes

urlpatterns: list[URLPattern | URLResolver] = [
    path("entry/", entry.entries, name="entry"),
    path("entry/<str:public_id>/", entry.entry, name="entry-of"),
    path("entry/<str:public_id>/right/", entry.is_right, name="is-right"),
    path("entry/<str:public_id>/change/", wishes.change_facts, name="change-entry"),
    path("entry/<str:public_id>/claims/add/", wishes.add_claim, name="add-claim"),
    path("entry/<str:public_id>/claims/<int:pk>/end/", wishes.end_claim, name="end-claim"),
    path("entry/<str:public_id>/contacts/add/", wishes.add_contact, name="add-contact"),
    path("entry/<str:public_id>/contacts/<int:pk>/", wishes.change_contact, name="change-contact"),
    path("entry/<str:public_id>/requests/<int:pk>/take-back/", wishes.take_back, name="take-back"),
    path("entry/<str:public_id>/members/add/", entry.add_member, name="add-member"),
    path("entry/<str:public_id>/members/<int:pk>/end/", entry.end_membership, name="end-member"),
]
