"""What a member's programs ask: own findings, answers to them, and own notices.

Thin: who may pass stands beside each operation, what is asked is read by the schemas, the rest is
`own_findings` and `queries` of the rooms below.
"""

from __future__ import annotations

import datetime as dt
import json
from http import HTTPStatus
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from tocsin.feeds import answers, exports, queries
from tocsin.feeds.actions.answers import LONGEST_TEXT, answer_findings
from tocsin.feeds.leases import Leased
from tocsin.kernel import clock
from tocsin.kernel.refusals import InvalidInput, NotPermitted
from tocsin.notices.queries import own_notices
from tocsin.people.choices import Scope
from tocsin.people.models import Person
from tocsin.people.policy import REFUSED, Ability, may
from tocsin.people.programs import Asked, by_key, nothing_asked
from tocsin.portal import own_findings
from tocsin.portal.own_findings import Reader, Reading, begin, reader_for

MEDIA = {"json": "application/json", "jsonl": "application/jsonl", "csv": "text/csv"}
"""Form → media type."""
OFFERED = {**{media: form for form, media in MEDIA.items()}, "application/x-ndjson": "jsonl"}
MOST, USUAL = 1_000, 200
NOTICES_MOST = 200
router = Router(tags=["my"])


def a_day(given: Any) -> dt.date:
    """Return the day that a text names. What pydantic takes for one as well, seconds since 1970, is none here."""
    try:
        return clock.day(given)
    except (TypeError, ValueError):
        raise PydanticCustomError("date_parsing", "no day") from None


Day = Annotated[dt.date, BeforeValidator(a_day)]


class FindingsAsked(Asked):
    """Which own findings, in which form, and from where on."""

    state: list[Literal["new", "still", "returned", "gone", "open"]] = Field(
        default_factory=list, description="open: the first three"
    )
    severity: list[Annotated[int, Field(ge=1, le=6)]] = Field(default_factory=list, description="1 is the worst")
    category: list[str] = Field(default_factory=list, alias="class", description="Type of RSIT")
    type: list[str] = Field(default_factory=list, description="Type of report")
    constituent: list[str] = Field(default_factory=list, description="Id of an own organisation")
    seen_since: Day | None = Field(None, description="Last seen on that day or later")
    limit: int = Field(USUAL, ge=1, le=MOST, description="Findings a page; of JSON alone")
    format: Literal["json", "jsonl", "csv"] | None = Field(None, description="In place of the header Accept")
    cursor: str = Field("", max_length=6_000, description="Where to go on, or since when changes are asked for")
    after: str = Field("", max_length=26, description="Id of the last finding that came whole")

    def of_findings(self) -> own_findings.Asked:
        """Return the part that says which findings."""
        return own_findings.Asked(
            state=tuple(self.state), severity=tuple(self.severity), category=tuple(self.category),
            type=tuple(self.type), constituent=tuple(self.constituent), seen_since=self.seen_since,
        )  # fmt: skip


class NoticesAsked(Asked):
    """Which own notices."""

    limit: int = Field(USUAL, ge=1, le=NOTICES_MOST)
    before: str = Field("", max_length=16, description="Reference of the last notice that was got")


class Finding(Schema):
    """A finding as it leaves the house: the keys of `tocsin finding export`."""

    id: str
    constituent: str | None
    asset: str
    port: int | None
    protocol: str | None
    type: str
    identifier: str | None
    state: Literal["new", "still", "returned", "gone"]
    first_seen: dt.datetime
    last_seen: dt.datetime
    count: int
    tlp: str
    terms: str
    severity: str
    category: str | None = Field(alias="class")
    what: str
    organisation: str
    name: str | None
    detail: str | None
    asn: int | None
    country: str | None
    returns: int


class AnswerGiven(Schema):
    """What is said of a finding, as on its page."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["fixed", "accepted", "not-ours", "false-positive", "taken-back"]
    text: str = Field("", max_length=LONGEST_TEXT)
    until: Day | None = Field(None, description="Of an accepted risk: a year at most")


class AnswerStands(Schema):
    """How an answer stands."""

    finding: str
    kind: str
    stands: str


class FindingsPage(Schema):
    """Some findings, and how to go on."""

    as_of: dt.datetime
    tlp: str = Field(description="The strictest label of what is asked for")
    findings: list[Finding]
    next: str | None = Field(description="Cursor of the next page; null on the last one")
    changes: str | None = Field(description="On the last page: cursor for what changes from now on")


class Notice(Schema):
    """A notice that left."""

    reference: str
    constituent: str
    state: str
    made_at: dt.datetime
    tlp: str
    severity: str
    new: int
    returned: int
    escalated: int
    digest: int
    left_at: dt.datetime


class NoticesPage(Schema):
    """Some notices, newest first."""

    notices: list[Notice]
    next: str | None = Field(description="To be asked for as `before`; null on the last page")


class Problem(Schema):
    """Why something was refused: RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = Field(default_factory=list)


REFUSALS: dict[Any, Any] = {(400, 401, 403, 404, 409, 422, 429, 503): Problem}


@router.get(
    "findings", url_name="findings", response={200: FindingsPage, **REFUSALS}, by_alias=True,
    operation_id="own_findings", summary="Own findings", **by_key(Scope.READ_FINDINGS),
)  # fmt: skip
def list_findings(request: HttpRequest, asked: Query[FindingsAsked]) -> HttpResponseBase:
    """All findings of the own organisations, once each, in the order of their keys; or what has changed."""
    form, reader = asked.format or preferred(request), reader_of(request)
    tag = own_findings.etag(reader, f"{request.get_full_path()} {form}")
    if unchanged := get_conditional_response(request, etag=tag):
        return unchanged
    reading = begin(asked.of_findings(), reader, cursor=asked.cursor, after=asked.after)
    answer = page(reading, asked.limit) if form == "json" else stream(reading, form)
    answer["ETag"], answer["Cache-Control"], answer["Vary"] = tag, "private, no-cache", "Accept, Authorization"
    return answer


@router.get(
    "findings/{id}", url_name="finding", response={200: Finding, **REFUSALS}, by_alias=True,
    operation_id="own_finding", summary="One own finding", **by_key(Scope.READ_FINDINGS),
)  # fmt: skip
def one_finding(request: HttpRequest, id: str) -> HttpResponse:
    """One finding of an own organisation. That of another is as one that is not there."""
    nothing_asked(request)
    reader = reader_of(request)
    found = queries.own_finding(reader.person, id)
    if found is None:
        raise Http404
    (record,) = queries.exported([found], reader.feeds)
    return in_json(record)


@router.post(
    "findings/{id}/answer", url_name="answer", response={201: AnswerStands, **REFUSALS},
    operation_id="answer_own_finding", summary="Answer an own finding", **by_key(Scope.ANSWER_FINDINGS),
)  # fmt: skip
def answer_finding(request: HttpRequest, id: str, asked: AnswerGiven) -> HttpResponse:
    """Say of an own finding that it is fixed, accepted, not yours, or no problem; or take back what was said."""
    nothing_asked(request)
    person, at = reader_of(request).person, clock.now()
    if queries.own_finding(person, id) is None:
        raise Http404
    answer_findings([id], kind=asked.kind, text=asked.text, until=asked.until, by=person, at=at)
    (found,) = queries.findings_named([id])
    stood = answers.current([found], clock.day_of(at))[id]
    said = in_json({"finding": id, "kind": asked.kind, "stands": stood.stands.value})
    said.status_code = HTTPStatus.CREATED
    return said


@router.get(
    "notices", url_name="notices", response={200: NoticesPage, **REFUSALS},
    operation_id="own_notices", summary="Own notices", **by_key(Scope.READ_FINDINGS),
)  # fmt: skip
def list_notices(request: HttpRequest, asked: Query[NoticesAsked]) -> HttpResponse:
    """The notices that the own organisations were sent, newest first."""
    found = own_notices(reader_of(request).person).order_by("-pk")
    if asked.before:
        last = found.filter(reference=asked.before).values_list("pk", flat=True).first()
        if last is None:
            raise InvalidInput(_("No notice of yours has this reference."), where="before")
        found = found.filter(pk__lt=last)
    rows = list(found[: asked.limit + 1])
    several = rows[: asked.limit]
    return in_json(
        {
            "notices": [
                {
                    "reference": row.reference,
                    "constituent": row.constituent.public_id,
                    "state": row.state,
                    "made_at": row.made_at.astimezone(dt.UTC).isoformat(),
                    "tlp": f"TLP:{row.tlp}",
                    "severity": f"C{row.severity}",
                    "new": row.new,
                    "returned": row.returned,
                    "escalated": row.escalated,
                    "digest": row.digest,
                    "left_at": row.left_at.astimezone(dt.UTC).isoformat(),  # type: ignore[attr-defined]  # annotated
                }
                for row in several
            ],
            "next": several[-1].reference if len(rows) > asked.limit else None,
        }
    )


def reader_of(request: HttpRequest) -> Reader:
    """Return who asks, and what they see. Raises NotPermitted for whoever has no organisation by their role."""
    person = request.auth  # type: ignore[attr-defined]
    if not isinstance(person, Person) or not may(person, Ability.VIEW_OWN):
        raise NotPermitted(str(REFUSED[Ability.VIEW_OWN]))
    return reader_for(person)


def preferred(request: HttpRequest) -> str:
    """Return the form that the header Accept asks for; JSON where it does not care. Raises InvalidInput for none."""
    if (media := request.get_preferred_type([MEDIA["json"], *OFFERED])) is None:
        words = _("Findings are sent as {forms}.")
        raise InvalidInput(words.format(forms=", ".join(MEDIA.values())), where="Accept")
    return OFFERED[media]


def page(reading: Reading, limit: int) -> HttpResponse:
    """Return some findings as one object."""
    shown, onward, changes = reading.page(limit)
    label = reading.label()
    answer = in_json(
        {
            "as_of": clock.now().isoformat(timespec="seconds"),
            "tlp": label,
            "findings": shown,
            "next": onward or None,
            "changes": changes or None,
        }
    )
    answer["X-TLP"] = label
    return answer


def stream(reading: Reading, form: str) -> StreamingHttpResponse:
    """Return all findings as they are read. The cursors go before: what breaks off has its end nowhere else."""
    label, changes = reading.label(), reading.changes()
    records = reading.records()
    lines = own_findings.as_lines(records, changes) if form == "jsonl" else exports.as_csv(records, queries.EXPORTED)
    name = exports.file_name(clock.now(), label, form)
    headers = {
        "X-TLP": label,
        "Tocsin-Cursor": reading.written(reading.cursor),
        "Tocsin-Changes": changes,
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return StreamingHttpResponse(Leased(lines), content_type=f"{MEDIA[form]}; charset=utf-8", headers=headers)


def in_json(said: Any) -> HttpResponse:
    """Return an answer as JSON."""
    content = json.dumps(said, ensure_ascii=False)
    return HttpResponse(content, content_type="application/json", status=HTTPStatus.OK)
