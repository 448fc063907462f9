"""What the pages of members share: who asks, and for which of their organisations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from tocsin.directory.models import Constituent
from tocsin.directory.queries import constituents_of
from tocsin.people.models import Person


def member(request: HttpRequest) -> Person:
    """Return who asks; the gate has seen to it that they may."""
    if not isinstance(request.user, Person):
        raise PermissionDenied
    return request.user


def organisation_asked_for(request: HttpRequest, public_id: str) -> Constituent:
    """Return an organisation of the member's own; unknown and another's are the same 404."""
    found = None if "\0" in public_id else constituents_of(request.user).filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


def facts_of(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an answer says, from what its form has understood."""
    return {"kind": cleaned.get("kind") or "", "text": cleaned.get("text") or "", "until": cleaned.get("until")}
