"""What the pages of the room share: who acts, and what they may see."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from tocsin.notices.models import Notice
from tocsin.notices.queries import notices_visible_to
from tocsin.people.models import Person


def acting(request: HttpRequest) -> Person:
    """Return who acts; the gate has seen to it that they may."""
    if not isinstance(request.user, Person):
        raise PermissionDenied
    return request.user


def notice_asked_for(request: HttpRequest, reference: str) -> Notice:
    """Return a notice; unknown and not visible are the same 404."""
    if "\0" in reference:  # PostgreSQL takes no such text
        raise Http404
    rows = notices_visible_to(request.user).select_related("contact__constituent")  # whom a letter names
    return get_object_or_404(rows, reference=reference)
