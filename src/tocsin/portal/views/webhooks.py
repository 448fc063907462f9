"""Webhooks of a member's organisations: who administers the entry adds, tries and ends them; all members see them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tocsin.courier import webhooks as postings
from tocsin.courier.models import Webhook
from tocsin.directory.models import Constituent
from tocsin.directory.queries import administers, constituents_of
from tocsin.kernel.clock import now
from tocsin.kernel.refusals import NotPermitted, Refusal
from tocsin.people.access import confirmed, needs
from tocsin.people.answering import accepted
from tocsin.people.policy import Ability
from tocsin.portal import webhooks
from tocsin.portal.choices import Told
from tocsin.portal.views.asking import member, organisation_asked_for
from tocsin.portal.webhook_forms import WebhookForm

SHOWN = 20


@needs(Ability.VIEW_OWN)
@require_GET
def list_webhooks(request: HttpRequest) -> HttpResponse:
    """Show the webhooks of all organisations of a member."""
    by = member(request)
    shown = [
        {"row": row, "hooks": list(webhooks.hooks_of(row)), "administers": administers(by, row)}
        for row in constituents_of(by).order_by("name", "public_id")
    ]
    return render(request, "portal/webhooks.html", {"organisations": shown})


@needs(Ability.VIEW_OWN)
@never_cache
@require_http_methods(["GET", "POST"])
@confirmed
def add(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Add a webhook; its secret is shown once."""
    by, row = member(request), organisation_asked_for(request, public_id)
    require(request, row)
    form = WebhookForm(request.POST or None)
    secret = postings.new_secret()
    made: list[Webhook] = []

    def act() -> None:
        made.append(webhooks.add(row, **form.cleaned_data, secret=secret, by=by, at=now()))

    if request.method == "POST" and accepted(form, act, lambda _facts: ()):
        return render(request, "portal/webhook_secret.html", {"hook": made[0], "secret": secret})
    shown = {"form": form, "organisation": row}
    return render(request, "portal/webhook_form.html", shown, status=422 if form.errors else 200)


@needs(Ability.VIEW_OWN)
@require_GET
def one(request: HttpRequest, key: str) -> HttpResponse:
    """Show a webhook, and what became of the last postings."""
    hook, row = asked_for(request, key)
    shown = {
        "hook": hook,
        "organisation": row,
        "told": [Told(each).label for each in hook.events if each in Told.values],
        "deliveries": webhooks.deliveries(hook, SHOWN),
        "administers": administers(request.user, row),
        "is_double": hook.old_secret_until is not None and now() < hook.old_secret_until,
    }
    return render(request, "portal/webhook.html", shown)


@needs(Ability.VIEW_OWN)
@require_POST
def try_one(request: HttpRequest, key: str) -> HttpResponse:
    """Post something that says nothing."""
    hook, row = asked_for(request, key)
    require(request, row)
    by = member(request)
    done(
        request, lambda: postings.try_webhook(hook, by=by, at=now()), _("A test is on its way. Look again in a moment.")
    )
    return redirect("my:webhook", hook.key)


@needs(Ability.VIEW_OWN)
@require_http_methods(["GET", "POST"])
def end(request: HttpRequest, key: str) -> HttpResponse:
    """Ask whether it is meant, then end a webhook."""
    hook, row = asked_for(request, key)
    require(request, row)
    if request.method != "POST":
        return render(request, "portal/webhook_sure.html", {"hook": hook, "what": "end"})
    by = member(request)
    done(request, lambda: postings.end_webhook(hook, by=by, at=now()), _("The webhook has ended."))
    return redirect("my:webhooks")


@needs(Ability.VIEW_OWN)
@never_cache
@require_http_methods(["GET", "POST"])
@confirmed
def change_secret(request: HttpRequest, key: str) -> HttpResponseBase:
    """Ask whether it is meant, then give a webhook another secret, which is shown once."""
    hook, row = asked_for(request, key)
    require(request, row)
    if request.method != "POST":
        return render(request, "portal/webhook_sure.html", {"hook": hook, "what": "secret"})
    by, secret = member(request), postings.new_secret()
    try:
        postings.change_secret(hook, secret=secret, by=by, at=now())
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect("my:webhook", hook.key)
    return render(request, "portal/webhook_secret.html", {"hook": hook, "secret": secret, "is_changed": True})


def asked_for(request: HttpRequest, key: str) -> tuple[Webhook, Constituent]:
    """Return a webhook of one of the member's organisations; unknown and another's are the same 404."""
    found = None if "\0" in key else Webhook.objects.filter(key=key, reference_room=webhooks.ROOM).first()
    if found is None:
        raise Http404
    return found, organisation_asked_for(request, found.reference_key)


def require(request: HttpRequest, organisation: Constituent) -> None:
    """Refuse a member who does not administer the entry."""
    try:
        webhooks.require_administrator(member(request), organisation)
    except NotPermitted:
        raise PermissionDenied from None


def done(request: HttpRequest, act: Any, said: str) -> None:
    """Act, and say what came of it."""
    try:
        act()
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
