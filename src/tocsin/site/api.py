"""The API of this instance: what the rooms' routers answer below /api/v1/, put together.

Nobody passes whom an operation does not let in by `people.programs.by_key`: an operation that says nothing is closed.
Refusals are problems (`problems`), whichever room raises them.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from django.views.decorators.http import require_GET
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser

from tocsin.formats import strict_json
from tocsin.kernel.refusals import Busy, Conflict, InvalidInput, NotPermitted, Refusal, Unavailable
from tocsin.people.access import public
from tocsin.people.programs import NoGoodKey, TooManyKeys
from tocsin.portal.api import router as portal
from tocsin.site import misread
from tocsin.site.problems import SAID, problem

LONGEST_BODY, DEEPEST_BODY = 100_000, 8
CHALLENGE = 'Bearer realm="tocsin"'
NO_OPERATIONS = ("openapi-json", "api-root")
"""Addresses that ninja adds: the description, and one that is there for its sake and answers 404."""
STATUSES: dict[type[Refusal], HTTPStatus] = {
    NoGoodKey: HTTPStatus.UNAUTHORIZED,
    TooManyKeys: HTTPStatus.TOO_MANY_REQUESTS,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotPermitted: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Refusal: HTTPStatus.BAD_REQUEST,
}


class Strict(Parser):
    """Reads bodies without trust: no key twice, no number that is none, bounded in size and depth."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the value. Raises InvalidInput."""
        return strict_json.read(request.body, where="body", max_bytes=LONGEST_BODY, max_depth=DEEPEST_BODY)


def nobody(_request: HttpRequest) -> None:
    """Let nobody pass: what holds for an operation that does not say who may."""


api = NinjaAPI(
    title="Tocsin",
    version="1",
    description="What a national CIRT knows, for programs. Described in docs/reference/api.md.",
    urls_namespace="api",
    docs_url=None,
    auth=nobody,
    parser=Strict(),
)
api.add_router("/my/", portal)


@api.exception_handler(Refusal)
def refused(_request: HttpRequest, refusal: Any) -> HttpResponse:
    """Say why something was refused."""
    status = next(status for kind, status in STATUSES.items() if isinstance(refusal, kind))
    all_of_it = [refusal, *refusal.further]
    where = [{"where": each.where, "detail": _said(each)} for each in all_of_it if each.where]
    answer = problem(status, " ".join(map(_said, all_of_it)), where)
    if status == HTTPStatus.UNAUTHORIZED:
        answer["WWW-Authenticate"] = CHALLENGE
    return answer


def _said(refusal: Refusal) -> str:
    return refusal.problem if isinstance(refusal, InvalidInput) else str(refusal)


@api.exception_handler(AuthenticationError)
def without_scope(_request: HttpRequest, _error: Any) -> HttpResponse:
    """Say that an operation is open to nobody."""
    return problem(HTTPStatus.FORBIDDEN, str(SAID[HTTPStatus.FORBIDDEN]))


@api.exception_handler(HttpError)
def not_read(_request: HttpRequest, error: Any) -> HttpResponse:
    """Say why a body could not be read."""
    why = error.__cause__
    if not isinstance(why, InvalidInput):
        return problem(error.status_code, str(SAID[HTTPStatus.BAD_REQUEST]))
    detail = misread.unread(why.problem)
    return problem(error.status_code, f"{why.where}: {detail}", [{"where": why.where, "detail": detail}])


@api.exception_handler(Http404)
def not_there(_request: HttpRequest, _error: Any) -> HttpResponse:
    """Say that there is no such thing: unknown and another's are the same."""
    return problem(HTTPStatus.NOT_FOUND, str(SAID[HTTPStatus.NOT_FOUND]))


@api.exception_handler(ValidationError)
def not_understood(_request: HttpRequest, error: Any) -> HttpResponse:
    """Say what is wrong with a question, place by place."""
    told = dict.fromkeys((misread.place(each), misread.said(each)) for each in error.errors)
    errors = [{"where": where, "detail": detail} for where, detail in told]
    said = " ".join(f"{each['where']}: {each['detail']}" for each in errors)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, said, errors)


def patterns() -> tuple[list[URLPattern | URLResolver], str, str]:
    """Return the addresses of the API. The gate for people lets them pass: keys are asked for behind it."""
    found, app, space = api.urls
    for each in found:
        if isinstance(each, URLPattern):
            each.callback = public(require_GET(each.callback) if each.name in NO_OPERATIONS else each.callback)
    return found, app, space
