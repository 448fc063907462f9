"""What the frame of the pages of members shows: `{% load own %}`."""

from __future__ import annotations

from django import template

from tocsin.portal import navigation

register = template.Library()


@register.simple_tag(takes_context=True)
def my_places(context: template.Context) -> list[navigation.Shown]:
    """`{% my_places as places %}`: where a member can go, with the present place marked."""
    request = context["request"]
    return navigation.places(request.path, getattr(request, "user", None))
