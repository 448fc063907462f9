"""Open findings that are nobody's, by who announces the addresses: a work list for the directory."""

from __future__ import annotations

import datetime as dt
import ipaddress
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from tocsin.directory.models import Constituent
from tocsin.directory.queries import attribution_under_way, constituents_visible_to
from tocsin.engine import query as engine
from tocsin.engine.query import Block, Filter
from tocsin.feeds import queries
from tocsin.feeds.choices import ReportState
from tocsin.feeds.queries import at_one_version
from tocsin.feeds.queries_findings import spans_of
from tocsin.feeds.queries_situation import OPEN
from tocsin.feeds.views.asking import PAGES_AT_MOST, ROWS, Page
from tocsin.kernel.clock import now
from tocsin.kernel.collation import collated
from tocsin.kernel.questions import Question
from tocsin.people.access import needs
from tocsin.people.policy import Ability, may

PARTS_AT_MOST = 60
NAMES_SHOWN = 2


@needs(Ability.VIEW_FINDINGS)
@require_GET
@at_one_version
def unattributed(request: HttpRequest) -> HttpResponse:
    """Fifty blocks at a time, fullest first."""
    asked = Filter(states=OPEN, constituents=("",), only_constituents=queries.only_constituents(request.user))
    question = Question(request.GET.copy())
    number = question.number("page", PAGES_AT_MOST)
    typed = {name: question.text(name, 300) for name in ("block", "claim", "for")}
    found = queries.findings()
    total, blocks = engine.blocks(found, asked, limit=ROWS, offset=(number - 1) * ROWS)
    if not blocks and number > 1:
        question.refuse("page", str(number))
        number = 1
        total, blocks = engine.blocks(found, asked, limit=ROWS)
    understood = question.understood()
    for name in typed:  # it fills in one form, once
        understood.pop(name, None)
    request.GET = understood  # type: ignore[assignment]  # links keep what was understood
    names = _reverse_names(blocks)
    may_edit = may(request.user, Ability.EDIT_DIRECTORY)
    active = constituents_visible_to(request.user).filter(status="active").order_by() if may_edit else ()
    context = {
        "question": question,
        "rows": [_row(block, names, typed) for block in blocks],
        "page": Page(number, len(blocks), total),
        "findings": found.count(asked),
        "constituents": _in_order(active),
        "attribution": attribution_under_way(now()),
        "may_edit": may_edit,
    }
    return render(request, "feeds/unattributed.html", context)


def _in_order(constituents: Iterable[Constituent]) -> list[Constituent]:
    return sorted(constituents, key=lambda row: (collated(row.local_name), row.public_id))


def _row(block: Block, names: Mapping[str, Sequence[str]], typed: Mapping[str, str]) -> dict[str, Any]:
    """Return a block; with what was typed for it and could not be understood."""
    place = network(block)
    asn = f"AS{block.asn}" if block.asn else ""
    mine = typed if place and typed["block"] == place else {}
    return {"block": block, "network": place, "asn": asn, "names": names.get(place, ()), "typed": mine}


@needs(Ability.EDIT_DIRECTORY)
@require_GET
def claim_for(request: HttpRequest) -> HttpResponse:
    """Go to the form for a claim of the chosen constituent, filled in with the chosen value."""
    question = Question(request.GET.copy())
    typed, value = question.text("constituent", 300), question.text("value", 300)
    found = _called(constituents_visible_to(request.user), typed) if typed and value else []
    if len(found) != 1:
        said = _("Choose a constituent and what it is responsible for.")
        if typed and value:
            said = _("No constituent has the id or the name {typed}. Choose one from the list.")
        if found:
            said = _("{number} constituents are called {typed}: give the id of one.")
        messages.error(request, said.format(typed=typed, number=len(found)))
        again = {"page": question.number("page", PAGES_AT_MOST), "block": question.text("block", 300)}
        return redirect(f"{reverse('unattributed')}?{urlencode({**again, 'claim': value, 'for': typed})}")
    (chosen,) = found
    kind = "asn" if value.upper().startswith("AS") else "network"
    address = reverse("directory:add-claim", args=[chosen.public_id])
    return redirect(f"{address}?{urlencode({'kind': kind, 'value': value})}")


def _called(constituents: QuerySet[Constituent], typed: str) -> list[Constituent]:
    """Return the constituent with an id; else those with a name, in whichever of their languages; however cased."""
    for written in ("public_id", "public_id__iexact"):
        if chosen := list(constituents.filter(**{written: typed})[:2]):
            return chosen
    wanted, active = _alike(typed), constituents.filter(status="active")
    return [row for row in active if wanted in map(_alike, (row.name, *row.names.values()))]


def _alike(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def network(block: Block) -> str:
    """Return a block as people write it; empty for findings without an address."""
    if block.high is None or block.low is None:
        return ""
    if block.is_v4:
        return f"{ipaddress.IPv4Address(block.low & 0xFFFF_FFFF)}/24"
    return f"{ipaddress.IPv6Address(block.high << 64)}/48"


def _reverse_names(blocks: list[Block]) -> dict[str, list[str]]:
    """Return some reverse DNS names in each block, from the newest reports that have them: a hint, no more."""
    networks = [name for block in blocks if (name := network(block))]
    since = (queries.latest_day() or dt.date.max) - dt.timedelta(days=1)
    store: Path = settings.TOCSIN.store
    reports = queries.reports_shown().filter(state=ReportState.ACCEPTED, on__gte=since).order_by("-on", "name")
    parts = [str(store / part) for report in reports if "hostname" in report.columns for part in report.parts]
    spans = [ends for name in networks for ends in spans_of(name)]
    found = engine.reverse_names(queries.database(), parts[:PARTS_AT_MOST], spans)
    names: dict[str, list[str]] = {}
    for high, low, name in found:
        place = network(_block_of(high, low))
        if name not in names.setdefault(place, []) and len(names[place]) < NAMES_SHOWN:
            names[place].append(name)
    return names


def _block_of(high: int, low: int) -> Block:
    is_v4 = high == 0 and low >> 32 == 0xFFFF
    first_high, first_low = (0, low & ~0xFF) if is_v4 else (high & ~0xFFFF, 0)
    return Block(None, first_high, first_low, is_v4, 0, 6, 0)
