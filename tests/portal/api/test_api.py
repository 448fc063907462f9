"""Own findings by program: whose, in which form, and how refusals are said."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import signed_in
from tests.feeds.reports import write
from tests.portal.api.asking import FINDINGS, Program, key_of
from tests.portal.conftest import finding_of
from tocsin.audit.actors import COMMAND_LINE
from tocsin.feeds import queries
from tocsin.feeds.actions.findings import change_terms
from tocsin.feeds.models import Feed
from tocsin.kernel import clock
from tocsin.people import actions
from tocsin.people.models import ApiKey, LimiterEntry
from tocsin.site.api import api

pytestmark = pytest.mark.django_db


def problem(answer: Any, status: int) -> dict[str, Any]:
    """Return what is said of a refusal, which must be JSON and set no cookie."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json" and not answer.cookies
    said: dict[str, Any] = json.loads(answer.content)
    assert (said["status"], said["type"]) == (status, "about:blank") and said["title"] and said["detail"]
    return said


def test_a_member_reads_own_findings_and_no_others(program: Program) -> None:
    answer = program.ask()
    said = json.loads(answer.content)
    assert (answer["Content-Type"], answer["X-TLP"], said["tlp"]) == ("application/json", "TLP:AMBER", "TLP:AMBER")
    assert {each["constituent"] for each in said["findings"]} == {"moh"} and len(said["findings"]) == 18
    assert said["next"] is None and said["changes"] and not answer.cookies
    assert list(said["findings"][0]) == list(queries.EXPORTED)


def test_the_description_for_machines_has_the_keys_of_a_finding_and_a_scope_everywhere() -> None:
    told = api.get_openapi_schema(path_prefix="api/v1/")
    properties = told["components"]["schemas"]["Finding"]["properties"]
    assert list(properties) == list(queries.EXPORTED)
    operations = [each for verbs in told["paths"].values() for each in verbs.values()]
    assert len(operations) >= 3
    for each in operations:
        assert each["security"] == [{"Key": []}] and each["x-scope"] in ("findings:read", "findings:answer")


def test_the_description_is_open_to_everybody(program: Program) -> None:
    answer = Program("").ask("/api/v1/openapi.json")
    assert answer.status_code == 200 and "/api/v1/my/findings" in json.loads(answer.content)["paths"]


def test_an_operation_that_does_not_say_who_may_is_closed(program: Program) -> None:
    from ninja import NinjaAPI, Router

    router = Router()

    @router.get("secret")
    def secret(request: Any) -> str:
        return "told"

    made = NinjaAPI(auth=api.auth, docs_url=None, urls_namespace="closed")  # type: ignore[arg-type]
    made.add_router("", router)
    view = next(each.callback for each in made.urls[0] if each.name == "secret")  # type: ignore[union-attr]
    request = program.ask().wsgi_request
    assert view(request).status_code == 401


FILTERS: tuple[tuple[dict[str, Any], set[int]], ...] = (
    ({"state": "gone"}, {4, 6, 7, 8}),
    ({"state": ["new", "returned"]}, {5, *range(20, 30)}),
    ({"state": "open", "seen_since": "2026-11-19"}, {1, 2, 3, 5, *range(20, 30)}),
    ({"severity": 1}, set()),
    ({"type": "scan_rdp", "constituent": "moh", "state": "still"}, {1, 2, 3}),
)
MISTAKES = (
    ({"stat": "gone"}, "stat"), ({"a": "1", "sort": "id"}, "a"),
    ({"state": "lost"}, "state"), ({"severity": "7"}, "severity"),
    ({"severity": "x"}, "severity"), ({"seen_since": "yesterday"}, "seen_since"), ({"limit": "1001"}, "limit"),
    ({"limit": "0"}, "limit"), ({"format": "xml"}, "format"), ({"constituent": "bank"}, "constituent"),
    ({"type": "scan_none"}, "type"), ({"class": "none"}, "class"), ({"cursor": "nonsense"}, "cursor"),
    ({"after": "nonsense"}, "after"), ({"seen_since": "0"}, "seen_since"), ({"seen_since": "20261119"}, "seen_since"),
    ({"limit": ["1", "2"]}, "limit"), ({"format": ["json", "csv"]}, "format"), ({"cursor": ["", ""]}, "cursor"),
    ({"seen_since": ["2026-11-19", "2026-11-19"]}, "seen_since"),
)  # fmt: skip


def test_filters_are_those_of_finding_list(program: Program) -> None:
    for asked, hosts in FILTERS:
        found = {each["asset"] for each in program.said(**asked)["findings"]}
        assert found == {f"192.0.2.{host}" for host in hosts}, asked


def test_what_is_not_understood_is_refused_and_named(program: Program) -> None:
    for asked, where in MISTAKES:
        said = problem(program.ask(**asked), 422)
        assert said["errors"][0]["where"] == where and said["errors"][0]["detail"] in said["detail"], asked


def test_what_has_one_value_and_stands_there_twice_is_named(program: Program) -> None:
    said = problem(program.ask("/api/v1/my/notices", limit=["1", "2"], x=1), 422)
    assert [(each["where"], each["detail"]) for each in said["errors"]] == [
        ("x", "Nothing here is called x."), ("limit", "limit has one value, and stands there several times."),
    ]  # fmt: skip


def test_a_name_that_is_misspelt_is_told(program: Program) -> None:
    assert "Nothing here is called stat." in problem(program.ask(stat="gone"), 422)["detail"]
    assert "Nothing here is called x." in problem(program.ask("/api/v1/my/notices", x=1), 422)["detail"]
    said = problem(program.ask("/api/v1/my/findings/1", sort="id", foo="1"), 422)
    assert [each["where"] for each in said["errors"]] == ["foo", "sort"]
    assert said["detail"] == "Nothing here is called foo. Nothing here is called sort."


def test_forms_are_chosen_by_the_header_or_by_name(program: Program) -> None:
    by_header = program.ask(headers={"Accept": "text/csv"})
    assert by_header["Content-Type"] == "text/csv; charset=utf-8"
    assert "TLP-AMBER.csv" in by_header["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(b"".join(by_header.streaming_content).decode("utf-8-sig"))))
    assert len(rows) == 18 and list(rows[0]) == list(queries.EXPORTED)
    for media in ("application/jsonl", "application/x-ndjson", "application/x-ndjson;q=0.9, text/html;q=0.1"):
        answer = program.ask(headers={"Accept": media})
        assert answer["Content-Type"] == "application/jsonl; charset=utf-8"
        lines = b"".join(answer.streaming_content).splitlines()
        assert json.loads(lines[-1])["count"] == len(lines) - 1 == 18
    assert program.ask(headers={"Accept": "*/*"})["Content-Type"] == "application/json"
    assert problem(program.ask(headers={"Accept": "image/png"}), 422)["errors"][0]["where"] == "Accept"


def test_no_cell_of_a_table_is_a_formula(program: Program, store: Store, tmp_path: Path) -> None:
    store.run(write(tmp_path, 3, [9], kind="scan_telnet", protocol="=1+1"))
    answer = program.ask(format="csv", type="scan_telnet")
    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))
    assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


def test_one_finding_is_told_and_anothers_is_not_there(program: Program) -> None:
    (own,) = [each for each in program.said()["findings"] if each["asset"] == "192.0.2.1"]
    assert program.said(f"{FINDINGS}/{own['id']}") == own
    of_the_bank, of_nobody = finding_of(70), finding_of(200)
    for name in (of_the_bank, of_nobody, "x", "a" * 26, "%00"):
        problem(program.ask(f"{FINDINGS}/{name}"), 404)


def test_what_is_stricter_than_the_clearance_is_not_there(program: Program, cast: Cast) -> None:
    (own, *_rest) = program.said()["findings"]
    change_terms(Feed.objects.get(), tlp="RED", terms="Nobody else.", by=cast.analyst, at=AT)
    assert program.said()["findings"] == []
    problem(program.ask(f"{FINDINGS}/{own['id']}"), 404)
    assert b"".join(program.ask(format="jsonl").streaming_content).count(b"\n") == 1
    assert "No type of report" in problem(program.ask(type="scan_rdp"), 422)["detail"]


def test_a_key_alone_lets_pass(program: Program, cast: Cast) -> None:
    browser = signed_in(cast.contact)
    assert problem(browser.get(FINDINGS), 401)["detail"].startswith("Send a key of the API")
    for said in ("Basic eDp5", "Bearer", "Bearer tocsin_x_y"):
        answer = browser.get(FINDINGS, headers={"Authorization": said})
        problem(answer, 401)
        assert answer["WWW-Authenticate"] == 'Bearer realm="tocsin"'


def test_a_key_that_has_ended_is_told_so_and_counts_as_no_guess(program: Program, cast: Cast) -> None:
    actions.revoke_api_key(ApiKey.objects.get(), by=cast.contact, at=clock.now())
    assert "has ended or was revoked" in problem(program.ask(), 401)["detail"]
    assert not LimiterEntry.objects.exists()


def test_a_key_of_a_closed_account_opens_nothing(program: Program, cast: Cast) -> None:
    actions.close_account(cast.contact, by=COMMAND_LINE, at=clock.now())
    problem(program.ask(), 401)


def test_who_guesses_keys_is_slowed_down_and_a_good_key_is_not(program: Program) -> None:
    guesses = [Program(f"tocsin_abcdefgh_{'x' * 40}{number}").ask().status_code for number in range(25)]
    assert guesses[:20] == [401] * 20 and set(guesses[20:]) == {429}
    assert program.ask().status_code == 200


def test_a_key_without_the_scope_is_told_which_it_lacks(program: Program) -> None:
    ApiKey.objects.update(scopes=["other"])
    assert "findings:read" in problem(program.ask(), 403)["detail"]


def test_who_is_no_contact_is_refused_and_who_belongs_to_nobody_gets_nothing(program: Program, cast: Cast) -> None:
    assert "no contact of an organisation" in problem(Program(key_of(cast.analyst)).ask(), 403)["detail"]
    assert Program(key_of(cast.stranger)).said()["findings"] == []


def test_a_program_is_spoken_to_in_the_language_of_its_person(program: Program, cast: Cast) -> None:
    cast.contact.language = "fr"
    cast.contact.save()
    answer = program.ask()
    assert answer["Content-Language"] == "fr"


def test_the_same_question_with_the_same_answer_is_answered_without_one(
    program: Program,
    store: Store,
    tmp_path: Path,
) -> None:
    first = program.ask(state="open")
    again = program.ask(state="open", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert program.ask(state="gone", headers={"If-None-Match": first["ETag"]}).status_code == 200
    store.run(write(tmp_path, 4, [1, 2]))
    later = program.ask(state="open", headers={"If-None-Match": first["ETag"]})
    assert later.status_code == 200 and later["ETag"] != first["ETag"]


NOT_THERE = (
    ("get", "/api/", 404), ("get", "/api/v1/", 404), ("get", "/api/v1/nothing", 404),
    ("get", "/api/v1/my/findings/", 404), ("post", FINDINGS, 405), ("delete", FINDINGS, 405),
    ("get", f"{FINDINGS}?q={'x' * 6_000}", 414), ("put", "/api/v1/openapi.json", 405),
)  # fmt: skip


def test_what_is_not_there_is_said_in_json_too(program: Program) -> None:
    for verb, address, status in NOT_THERE:
        answer = getattr(program.client, verb)(address, headers=program.headers)
        problem(answer, status)
        assert status != 405 or answer["Allow"] == "GET", address


def test_what_breaks_is_said_in_json_too(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_given: object, **_named: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(queries, "feeds_of_types", breaks)
    assert "our fault" in problem(program.ask(), 500)["detail"]


def test_a_file_that_is_lost_is_told(program: Program, store: Store) -> None:
    for file in (store.root / "state").rglob("*.parquet"):
        file.unlink()
    assert "is missing or damaged" in problem(program.ask(), 503)["detail"]
    assert "is missing or damaged" in problem(program.ask(format="csv"), 503)["detail"]
