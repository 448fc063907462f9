"""What every page shows around its content: who we are, what time it is, where one can go."""

from __future__ import annotations

import functools
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import get_language_info

from tocsin.feeds import queries
from tocsin.people.access import FIRST_PAGES, may_open
from tocsin.people.models import Person
from tocsin.site.navigation import side_bar


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor of all pages. Queries nothing itself; the side bar is built when a template asks."""
    person = getattr(request, "user", None)
    findings_now = functools.cache(lambda: queries.findings_for(person))
    return {
        "findings_now": findings_now,
        "team_name": settings.CONFIG.team_name,
        "exercise": settings.CONFIG.exercise,
        "page_time": timezone.now(),
        "has_keys": request.COOKIES.get(settings.KEYS_COOKIE_NAME) != "off",
        "side_bar": functools.cache(lambda: side_bar(request.path, getattr(request, "user", None), findings_now)),
        "languages": [get_language_info(code) for code, _name in settings.LANGUAGES],
        "home_url": functools.cache(lambda: _home(getattr(request, "user", None))),
        "search_url": _address("search"),
        "account_url": _address("account"),
        "sign_out_url": _address("account_logout"),
        "help_url": _address("help"),
    }


def _home(person: Any) -> str:
    """Return where the bell leads: to a person's first page, or to the help for those who have none."""
    if not isinstance(person, Person):
        return "/"
    return next((address for address in FIRST_PAGES if may_open(person, address)), _address("help"))


def _address(name: str) -> str:
    """Return the address of that name, or nothing while no room answers under it."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
