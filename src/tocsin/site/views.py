"""Pages that belong to no room: language, help, search, and the parts of the design system."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from tocsin.feeds.queries_findings import misread
from tocsin.kernel import clock
from tocsin.kernel.questions import Question
from tocsin.people import actions
from tocsin.people.models import Person
from tocsin.site import examples
from tocsin.site.search import find, only_one

CHOICE_SECONDS = 365 * 24 * 3600


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Remember the language, in a cookie and with the person, and go back; an unknown language changes nothing."""
    onward = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure()):
        onward = "/"
    response = HttpResponseRedirect(onward)
    code = request.POST.get("language", "")
    if code in dict(settings.LANGUAGES):
        if isinstance(request.user, Person):
            actions.choose_language(request.user, language=code, by=request.user, at=clock.now())
        _remember(response, settings.LANGUAGE_COOKIE_NAME, code)
    return response


@require_POST
def choose_keys(request: HttpRequest) -> HttpResponse:
    """Remember, with the browser, whether single letters do something: who speaks to it presses them unawares."""
    response = HttpResponseRedirect(reverse("help"))
    if request.POST.get("keys") in ("on", "off"):
        _remember(response, settings.KEYS_COOKIE_NAME, request.POST["keys"])
    return response


def _remember(response: HttpResponse, name: str, value: str) -> None:
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(name, value, max_age=CHOICE_SECONDS, secure=secure, httponly=True, samesite="Lax")


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """Keys and marks."""
    return render(request, "help.html")


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Whatever the rooms know by the text; to what alone it can mean one goes at once."""
    question = Question(request.GET.copy())
    text = question.text("q")
    groups = find(request.user, text)
    meant = only_one(groups)
    if meant and not question.left_out:
        return HttpResponseRedirect(meant.url)
    return render(
        request,
        "search.html",
        {
            "hits": [hit for group in groups for hit in group.hits],
            "groups": groups,
            "misread": "" if groups else misread(text),
            "total": sum(group.total for group in groups),
            "search_text": text,
            "question": question,
        },
    )


@require_GET
def parts(request: HttpRequest) -> HttpResponse:
    """Every part of the design system once, with invented values; only on demonstration instances."""
    if not settings.SHOW_PARTS:
        raise Http404
    context: dict[str, Any] = examples.parts()
    context["question"] = question = Question(request.GET.copy())
    for facet in context["facets"]:
        question.values(facet["name"], {str(value["code"]) for value in facet["values"]})
    for name in examples.ASKED:
        question.text(name)
    return render(request, "parts.html", context)
