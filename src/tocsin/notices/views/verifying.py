"""The public page on which whoever got a notice sees whether it is ours.

It says when a notice left, and nothing of what is in it or to whom it went.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tocsin.kernel.questions import Question
from tocsin.notices import queries
from tocsin.people.access import public

LONGEST = 40


@public
@require_GET
def verify(request: HttpRequest) -> HttpResponse:
    """Say whether a reference is one of ours."""
    question = Question(request.GET.copy())
    asked = question.text("reference", LONGEST)
    ours = queries.is_ours(asked) if asked else None
    shown = {"question": question, "asked": asked, "notice": ours, "marks": queries.marks()}
    return render(request, "notices/verify.html", shown)
