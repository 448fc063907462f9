"""What constituents say of their findings, and what the team says to that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.feeds import answers, queries
from tocsin.feeds.choices import JUDGED, AnswerKind, Verdict
from tocsin.feeds.events import AnswerJudged, FindingsAnswered
from tocsin.feeds.models import Answer, Judgement
from tocsin.kernel import legible
from tocsin.kernel.clock import day_of
from tocsin.kernel.refusals import Conflict, InvalidInput, NotPermitted, Refusal, refuse
from tocsin.people import policy
from tocsin.people.models import Person
from tocsin.people.policy import Ability

LONGEST_TEXT = 2_000
LONGEST_DAYS = 365
"""For so long a risk may be accepted, or an agreed answer leave a finding in peace; then somebody looks again."""
NEED_A_REASON = (AnswerKind.ACCEPTED, AnswerKind.FALSE_POSITIVE)


def mistakes_in_answer(kind: str, text: str, until: dt.date | None, today: dt.date) -> Iterator[Refusal]:
    """Yield what is wrong with an answer."""
    if kind not in AnswerKind.values:
        yield InvalidInput(_("Say what you answer."), where="kind")
        return
    if kind in NEED_A_REASON and not text.strip():
        yield InvalidInput(_("Say why: the team reads it."), where="text")
    yield from _mistakes_in_text(text)
    if kind == AnswerKind.ACCEPTED:
        yield from _mistakes_in_day(until, today)


def _mistakes_in_text(text: str) -> Iterator[Refusal]:
    if len(text.strip()) > LONGEST_TEXT:
        words = _("The text has {number} characters; {most} are the most.")
        yield InvalidInput(words.format(number=len(text.strip()), most=LONGEST_TEXT), where="text")
    if said := legible.flaw(text, lines=True):
        yield InvalidInput(_(said), where="text")


def _mistakes_in_day(until: dt.date | None, today: dt.date) -> Iterator[Refusal]:
    if until is None:
        yield InvalidInput(_("Say until which day: nothing is left in peace for ever."), where="until")
    elif until < today:
        yield InvalidInput(_("That day is past."), where="until")
    elif (until - today).days > LONGEST_DAYS:
        yield InvalidInput(_("A year is the longest. Look at it again then."), where="until")


@action("finding.answered")
def answer_findings(
    findings: Sequence[str], *, kind: str, text: str = "", until: dt.date | None = None, by: Actor, at: dt.datetime
) -> FindingsAnswered:
    """Say something of one finding, or of several of one constituent: see `choices.AnswerKind`.

    A member says it of findings of their own that they are cleared for; the team, and parts of the software, on behalf
    of whose they are. All or none: raises Conflict for one that is not there, and NotPermitted for another's.
    """
    refuse(mistakes_in_answer(kind, text, until, day_of(at)))
    named = list(dict.fromkeys(findings))
    try:
        found = queries.findings_named(named)
    except ValueError:  # of one that is no id
        found = []
    if not named or len(found) < len(named):
        raise Conflict(_("A finding that was answered is not there any more. Look again, then answer."))
    holders = {finding.constituent or "" for finding in found}
    if len(holders) > 1 or "" in holders:
        raise Conflict(_("Answer the findings of one organisation at a time."))
    is_on_behalf = _is_on_behalf(by, found)
    whose = holders.pop()
    until = until if kind == AnswerKind.ACCEPTED else None
    said = {"constituent": whose, "kind": kind, "text": text.strip(), "until": until, "is_on_behalf": is_on_behalf}
    Answer.objects.bulk_create(
        Answer(finding=each, author_key=by.audit_key, author_label=by.audit_label, at=at, **said) for each in named
    )
    return FindingsAnswered(answered=tuple(named), **said)  # type: ignore[arg-type]


def _is_on_behalf(by: Actor, found: Sequence[queries.Finding]) -> bool:
    """Say whether the team speaks for the constituent. Raises NotPermitted for who may not answer."""
    if not isinstance(by, Person) or policy.may(by, Ability.WORK_ON_FINDINGS):
        return True
    if not policy.may(by, Ability.ANSWER_OWN) or not all(queries.is_own(by, each) for each in found):
        raise NotPermitted(f"{policy.REFUSED[Ability.ANSWER_OWN]} {policy.ASK}")
    return False


@action("answer.judged")
def judge_answer(
    answer: Answer, *, verdict: str, text: str = "", until: dt.date | None = None, by: Actor, at: dt.datetime
) -> AnswerJudged:
    """Agree to an answer, for as long as a year, or do not, and say why: the constituent reads that.

    Raises Conflict for one that was judged, or that another answer has followed.
    """
    refuse(mistakes_in_verdict(verdict, text, until, day_of(at)))
    if answer.kind not in JUDGED or not answers.is_to_judge(answer):
        raise Conflict(_("This answer is not to be judged any more. Look again."))
    until = until if verdict == Verdict.UPHELD else None
    Judgement.objects.create(
        answer=answer, verdict=verdict, text=text.strip(), until=until, author_label=by.audit_label, at=at
    )
    return AnswerJudged(
        finding=answer.finding,
        constituent=answer.constituent,
        kind=answer.kind,
        verdict=verdict,
        text=text.strip(),
        until=until,
    )


def mistakes_in_verdict(verdict: str, text: str, until: dt.date | None, today: dt.date) -> Iterator[Refusal]:
    """Yield what is wrong with a verdict."""
    if verdict not in Verdict.values:
        yield InvalidInput(_("Say whether you agree."), where="verdict")
        return
    if verdict == Verdict.REFUSED and not text.strip():
        yield InvalidInput(_("Say why: the constituent reads it."), where="text")
    yield from _mistakes_in_text(text)
    if verdict == Verdict.UPHELD:
        yield from _mistakes_in_day(until, today)
