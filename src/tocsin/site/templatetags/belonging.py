"""Who belongs to what: `{% load belonging %}`. The site stands above the rooms, so it may bring them together."""

from __future__ import annotations

from typing import Any

from django import template

from tocsin.directory import queries
from tocsin.directory.models import Membership

register = template.Library()


@register.simple_tag
def organisations_of(person: Any) -> list[Membership]:
    """`{% organisations_of person as organisations %}`: the memberships of a person, by the name of the constituent."""
    return list(queries.memberships_of(person))
