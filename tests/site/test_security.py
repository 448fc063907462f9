"""What every response forbids the browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from tests.cast import Cast
from tests.feeds.pages import signed_in
from tocsin.directory.views.work import LONGEST_UPLOAD
from tocsin.people.access import LONGEST_FORM
from tocsin.site.security import CONTENT_SECURITY_POLICY, LONGEST_ADDRESS, heads_alone, security_headers
from tocsin.site.serving.addresses import Listening
from tocsin.site.serving.parts import web_command


def respond(request: HttpRequest, response: HttpResponse | None = None) -> HttpResponse:
    """Return what the middleware makes of a response."""
    answer = response or HttpResponse("a page")
    return security_headers(lambda _request: answer)(request)


def test_what_answers_head_is_its_headers_alone() -> None:
    page, streamed = HttpResponse("a page", status=405), StreamingHttpResponse(iter(["a", "b"]))
    for answer in (page, streamed):
        given: list[Any] = [answer]
        heads_alone(lambda _request, given=given: given[0])(RequestFactory().head("/"))  # type: ignore[misc]
    assert page.content == b"" and page.status_code == 405 and b"".join(streamed.streaming_content) == b""  # type: ignore[arg-type]
    assert heads_alone(lambda _request: HttpResponse("a page"))(RequestFactory().get("/")).content == b"a page"  # type: ignore[attr-defined]


def test_a_page_may_only_load_what_is_ours() -> None:
    response = respond(RequestFactory().get("/"))

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy and "data:" not in policy and "http" not in policy and "*" not in policy


@pytest.mark.parametrize(
    "directive", ["script-src 'self'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"]
)
def test_the_policy_names_what_default_src_does_not_cover(directive: str) -> None:
    assert directive in CONTENT_SECURITY_POLICY.split("; ")


@pytest.mark.django_db
def test_an_address_that_is_too_long_is_answered_by_a_page_of_ours(client: Client) -> None:
    answer = client.get(f"/findings/?q={'a' * LONGEST_ADDRESS}", headers={"Accept-Language": "en"})

    assert answer.status_code == 414 and "The address is too long" in answer.content.decode()
    assert answer["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert client.get(f"/findings/?q={'a' * (LONGEST_ADDRESS - 100)}").status_code == 302


@pytest.mark.django_db
def test_a_body_from_nobody_we_know_is_not_received(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(WSGIRequest, "_load_post_and_files", lambda request: asked.append(request))
    upload = SimpleUploadedFile("directory.csv", b"x" * 3 * 2**20)
    answer = Client(enforce_csrf_checks=True).post("/directory/import/", {"file": upload})
    assert (answer.status_code, answer["Location"], asked) == (302, "/sign-in/", [])


@pytest.mark.django_db
def test_a_body_longer_than_a_page_asks_for_is_refused_with_the_way_out(cast: Cast, client: Client) -> None:
    too_long = client.post("/sign-in/", {"login": "a" * (LONGEST_FORM + 1)}, headers={"Accept-Language": "en"})
    assert too_long.status_code == 413
    assert "This page takes 2 MB at most" in too_long.content.decode()
    staff = signed_in(cast.analyst)
    fits = SimpleUploadedFile("directory.csv", b"x" * (LONGEST_FORM + 1))
    assert staff.post("/directory/import/", {"file": fits}).status_code == 422
    over = SimpleUploadedFile("directory.csv", b"x" * (LONGEST_UPLOAD + 1))
    refused = staff.post("/directory/import/", {"file": over})
    assert refused.status_code == 413 and "tocsin directory import FILE" in refused.content.decode()


@pytest.mark.django_db
def test_a_body_of_unknown_length_is_refused(client: Client) -> None:
    answer = client.generic("POST", "/sign-in/", b"", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    assert answer.status_code == 413


def test_the_web_server_takes_longer_addresses_than_the_pages_do() -> None:
    command = list(web_command(Listening("127.0.0.1", 8000)))

    assert LONGEST_ADDRESS + 500 < int(command[command.index("--limit-request-line") + 1]) <= 8190


def test_a_stricter_policy_of_a_page_is_kept() -> None:
    response = respond(RequestFactory().get("/"), HttpResponse(headers={"Content-Security-Policy": "sandbox"}))

    assert response["Content-Security-Policy"] == "sandbox"


def test_pages_of_people_signed_in_are_stored_nowhere(settings: Any) -> None:
    request = RequestFactory().get("/findings/")
    request.COOKIES[settings.SESSION_COOKIE_NAME] = "something"

    assert respond(request)["Cache-Control"] == "no-store"


def test_the_answer_that_signs_in_is_stored_nowhere(settings: Any) -> None:
    answer = HttpResponse()
    answer.set_cookie(settings.SESSION_COOKIE_NAME, "something")

    assert respond(RequestFactory().get("/"), answer)["Cache-Control"] == "no-store"


def test_public_pages_may_be_kept() -> None:
    assert "Cache-Control" not in respond(RequestFactory().get("/advisories/"))


def test_style_sheets_are_kept_also_by_people_signed_in(settings: Any) -> None:
    request = RequestFactory().get("/static/site/tocsin.css")
    request.COOKIES[settings.SESSION_COOKIE_NAME] = "something"

    assert "Cache-Control" not in respond(request)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Referrer-Policy", "same-origin"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ],
)
def test_the_whole_chain_sends_the_header(header: str, value: str) -> None:
    assert Client().get("/nothing/")[header] == value


def test_the_errors_send_them_too() -> None:
    response = Client().get("/there-is-nothing-here/")

    assert response.status_code == 404
    assert response["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "camera=()" in response["Permissions-Policy"]


def test_cookies_are_bound_to_the_host_and_hsts_is_sent_under_tls() -> None:
    program = (
        "import json; from tocsin.site import settings as s;"
        "print(json.dumps([s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE,"
        " s.CSRF_COOKIE_SECURE, s.LANGUAGE_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0]))"
    )

    def under(**environment: str) -> list[object]:
        result = subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": "src", **environment},
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        values: list[object] = json.loads(result.stdout)
        return values

    assert under(TOCSIN_TLS_CERT="cert.pem") == ["__Host-session", "__Host-csrf", True, True, True, True]
    assert under() == ["session", "csrf", False, False, False, False]
