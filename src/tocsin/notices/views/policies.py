"""Who is told of what, when and how: policies as sentences, and the form of one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tocsin.directory.models import Constituent
from tocsin.kernel.clock import now
from tocsin.notices import actions, mistakes, queries
from tocsin.notices.forms import PolicyForm
from tocsin.notices.models import Policy
from tocsin.notices.sentences import policy_sentences, policy_title
from tocsin.notices.views.asking import acting
from tocsin.people.access import needs
from tocsin.people.answering import accepted
from tocsin.people.policy import Ability, may


@needs(Ability.VIEW_NOTICES)
@require_GET
def policies(request: HttpRequest) -> HttpResponse:
    """All policies that hold."""
    rows = [(row, policy_title(row), policy_sentences(row)) for row in queries.policies()]
    shown = {"policies": rows, "may_rule": may(request.user, Ability.SET_NOTICE_POLICIES)}
    return render(request, "notices/policies.html", shown)


@needs(Ability.SET_NOTICE_POLICIES)
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Write a policy."""
    form = PolicyForm(request.POST if request.method == "POST" else None, constituents=Constituent.objects.all())
    by = acting(request)

    def act() -> None:
        actions.add_policy(**form.cleaned_data, by=by, at=now())

    if request.method == "POST" and accepted(form, act, mistakes.of_policy):
        messages.success(request, _("The policy holds."))
        return redirect("notices:policies")
    return _form(request, form, _("Who is told of what?"), None)


@needs(Ability.SET_NOTICE_POLICIES)
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a policy."""
    row, by = _asked_for(pk), acting(request)
    initial = {name: getattr(row, name) for name in PolicyForm.base_fields}
    form = PolicyForm(
        request.POST if request.method == "POST" else None, initial=initial, constituents=Constituent.objects.all()
    )

    def act() -> None:
        actions.change_policy(row, **form.cleaned_data, by=by, at=now())

    def found(facts: dict[str, Any]) -> Any:
        return mistakes.of_policy(facts, row)

    if request.method == "POST" and accepted(form, act, found):
        messages.success(request, _("The policy is changed. Notices that are prepared stay as they are."))
        return redirect("notices:policies")
    return _form(request, form, policy_title(row), row)


@needs(Ability.SET_NOTICE_POLICIES)
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a policy."""
    actions.end_policy(_asked_for(pk), by=acting(request), at=now())
    messages.success(
        request, _("The policy is ended. What it was for falls to a more general one, where there is one.")
    )
    return redirect("notices:policies")


def _asked_for(pk: int) -> Policy:
    return get_object_or_404(Policy.objects.select_related("constituent", "regulator"), pk=pk, is_active=True)


def _form(request: HttpRequest, form: PolicyForm, title: str, row: Policy | None) -> HttpResponse:
    shown = {"form": form, "heading": title, "policy": row}
    return render(request, "notices/policy.html", shown, status=422 if form.errors else 200)
