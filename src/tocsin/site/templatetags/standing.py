"""What one room has of another's things: `{% load standing %}`. The site stands above both, so it may bring them
together."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tocsin.directory.models import Claim
from tocsin.feeds import answers, queries
from tocsin.feeds.choices import AnswerKind
from tocsin.feeds.queries import Filter
from tocsin.feeds.queries_situation import OPEN
from tocsin.feeds.wording import class_label
from tocsin.kernel import clock
from tocsin.notices.queries import classes_held_out, listed
from tocsin.notices.queries import notices_of as ledger_of
from tocsin.people import policy
from tocsin.site import words

register = template.Library()


@register.inclusion_tag("parts/findings_of.html", takes_context=True)
def findings_of(context: template.Context, public_id: str) -> dict[str, Any]:
    """`{% findings_of constituent.public_id %}`: its open findings by severity and state, each count a link.

    Nothing for whom the policy shows no findings. Those of the side bar are asked: the page costs no further query.
    """
    person = context["request"].user
    if not policy.may(person, policy.Ability.VIEW_FINDINGS):
        return {"is_shown": False}
    asked = Filter(states=OPEN, constituents=(public_id,), only_constituents=queries.only_constituents(person))
    tally = context["findings_now"]().tally(asked, ("severity", "state"))
    severities, states = tally.by_facet["severity"], tally.by_facet["state"]
    return {
        "is_shown": True,
        "total": tally.total,
        "url": _address(public_id),
        "severities": [
            {
                "level": level,
                "word": words.SEVERITIES[level],
                "count": severities[str(level)],
                "url": _address(public_id, severity=str(level)),
            }
            for level in range(1, 7)
            if str(level) in severities
        ],
        "states": [
            {"code": code, "link": _link(words.STATES[code].word, states[code], _address(public_id, state=code))}
            for code in OPEN
            if code in states
        ],
        "gone": {"count": states.get("gone", 0), "url": _address(public_id, state="gone")},
    }


NOTICES_SHOWN = 20


@register.inclusion_tag("parts/notices_of.html", takes_context=True)
def notices_of(context: template.Context, public_id: str) -> dict[str, Any]:
    """`{% notices_of constituent.public_id %}`: its last notices, and the way to what it would be told now.

    Nothing for whom the policy shows no notices.
    """
    person = context["request"].user
    if not policy.may(person, policy.Ability.VIEW_NOTICES):
        return {"is_shown": False}
    held_out = classes_held_out(public_id, clock.day_of(clock.now()))
    return {
        "is_shown": True,
        "rows": listed(ledger_of(person, public_id)[:NOTICES_SHOWN]),
        "public_id": public_id,
        "held_out": [(class_label(row.category), row.until) for row in held_out],
    }


NAMED = 5


@register.inclusion_tag("parts/disputed.html", takes_context=True)
def disputed_claims(context: template.Context) -> dict[str, Any]:
    """`{% disputed_claims %}`: claims of which their holders say that a finding is not theirs.

    What to do about it stands there for whoever may edit the directory.
    """
    disputed = answers.to_judge().filter(kind=AnswerKind.NOT_OURS)
    said: dict[str, str] = {answer.finding: answer.constituent for answer in disputed}
    by_claim: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for finding in queries.findings_named(said):
        public = queries.finding_id(finding)
        if finding.claim and finding.claim.isdigit() and finding.constituent == said[public]:
            by_claim[int(finding.claim)].append((public, queries.place_of(finding)))
    rows = Claim.objects.filter(pk__in=list(by_claim)).select_related("constituent")
    return {
        "may_edit": policy.may(context["request"].user, policy.Ability.EDIT_DIRECTORY),
        "claims": [
            {"claim": row, "findings": by_claim[row.pk][:NAMED], "more": len(by_claim[row.pk][NAMED:])} for row in rows
        ],
    }


def _link(word: object, number: int, url: str) -> SafeString:
    return format_html('<a href="{}">{} {}</a>', url, word, formats.number_format(number, force_grouping=True))


def _address(public_id: str, **more: str) -> str:
    return f"{reverse('findings')}?{urlencode({'whose': public_id, **more})}"
