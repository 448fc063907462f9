"""Addresses of what the team knows of a member's organisation, below /my/ and with names in the space `my`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
