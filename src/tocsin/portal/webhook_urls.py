"""Addresses of the webhooks of a member's organisation, below /my/ and with names in the space `my`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from tocsin.portal.views import webhooks

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/", webhooks.list_webhooks, name="webhooks"),
    path("webhooks/add/<str:public_id>/", webhooks.add, name="add-webhook"),
    path("webhooks/<str:key>/", webhooks.one, name="webhook"),
    path("webhooks/<str:key>/try/", webhooks.try_one, name="try-webhook"),
    path("webhooks/<str:key>/end/", webhooks.end, name="end-webhook"),
    path("webhooks/<str:key>/secret/", webhooks.change_secret, name="webhook-secret"),
]
