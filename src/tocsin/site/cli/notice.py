"""`tocsin notice …`: who would be told of what now, and telling them."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from tocsin.kernel import clock
from tocsin.kernel.counting import counted
from tocsin.kernel.names import readable
from tocsin.kernel.refusals import Conflict, InvalidInput
from tocsin.site.cli.notice_verbs import effect
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from tocsin.notices.choices import Channel
    from tocsin.notices.models import Notice
    from tocsin.notices.queries import Letter, NamedPlan, Plan


"""Stands for the address of a notice that is not mailed."""


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `notice` and its verbs."""
    noun = commands.add_parser("notice", help="who is told of what")
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    preview = verbs.add_parser("preview", help="plan notices and show them; mark and send nothing")
    preview.add_argument(
        "--constituent", action="append", default=[], metavar="ID", help="only theirs, with the text; may be repeated"
    )
    preview.add_argument("--json", action="store_true", help="print one JSON object on one line")
    preview.set_defaults(run=preview_notices)
    send = verbs.add_parser("send", help="send what is to be told now, and what was read and waits")
    send.add_argument("--dry-run", action="store_true", help="say to whom, and do nothing")
    send.add_argument("--confirm", action="store_true", help="also where a policy writes to many people")
    send.add_argument("--json", action="store_true", help="print one JSON object on one line")
    send.set_defaults(run=send_notices)
    effect.add_verb(verbs)


def preview_notices(options: argparse.Namespace) -> int:
    """Show the plan; of constituents that are named, the text as well."""
    open_instance()
    with _in_english():
        return _preview(options)


def _preview(options: argparse.Namespace) -> int:
    from tocsin.notices import queries

    _refuse_unknown(options.constituent)
    plan = queries.plan_now(clock.now(), options.constituent)
    named = queries.named_plan(plan)
    shown = named.notices if options.constituent else ()
    letters = [queries.letter_of_plan(each.notice, is_exercise=plan.is_exercise) for each in shown]
    if options.json:
        print(json.dumps(_data(plan, named, letters), ensure_ascii=False))
        return 0
    for number, each in enumerate(named.notices):
        print(_line(each.notice, each.way))
        if letters:
            print(f"\n{queries.subject(letters[number])}\n\n{queries.text(letters[number])}")
    _say_the_rest(plan, named)
    return 0


def _in_english() -> AbstractContextManager[object]:
    """Return in what a command answers, reasons and all, whatever the language of the instance and of recipients."""
    from django.utils import translation

    return translation.override("en")


def _refuse_unknown(public_ids: Sequence[str]) -> None:
    from tocsin.directory.models import Constituent

    known = set(Constituent.objects.filter(public_id__in=public_ids).values_list("public_id", flat=True))
    for public_id in public_ids:
        if public_id not in known:
            raise InvalidInput(f"there is no constituent {readable(public_id)}.", where="--constituent")


def _line(notice: Any, way: Channel) -> str:
    from tocsin.notices.queries import addressee

    to = addressee(notice.to.to, way)
    cells = (
        notice.constituent, f"C{notice.severity}", counted(len(notice.lines), "finding"), to, notice.language,
        notice.tlp.label, f"not before {notice.not_before.isoformat(timespec='minutes')}",
    )  # fmt: skip
    return "\t".join(readable(str(cell)) for cell in cells)


def _say_the_rest(plan: Plan, named: NamedPlan) -> None:
    print(f"{counted(len(plan.notices), 'notice')} about {counted(plan.told, 'finding')}. Nothing is sent or marked.")
    for unreached in named.unreached:
        who = readable(unreached.constituent.public_id)
        print(f"Nobody to tell at {who} ({unreached.whom.value}): {counted(unreached.findings, 'finding')}.")
    for each in named.itself:
        who, role = readable(each.constituent.public_id), each.whom.value
        print(f"{who} is its own {role}: that step is passed over ({counted(each.findings, 'finding')}).")
    for reason, number in named.waiting:
        print(f"{counted(number, 'finding', 'waits', 'wait')} ({reason.value}).")


def _data(plan: Plan, named: NamedPlan, letters: Sequence[Letter]) -> dict[str, Any]:
    from tocsin.notices import queries

    texts = [{"subject": queries.subject(each), "text": queries.text(each)} for each in letters]
    return {
        "at": plan.at.isoformat(),
        "exercise": plan.is_exercise,
        "notices": [
            {**_record(each.notice), "way": each.way.value, **(texts[number] if texts else {})}
            for number, each in enumerate(named.notices)
        ],
        "unreached": [
            {"constituent": each.constituent.public_id, "whom": each.whom.value, "findings": each.findings}
            for each in named.unreached
        ],
        "itself": [
            {"constituent": each.constituent.public_id, "whom": each.whom.value, "findings": each.findings}
            for each in named.itself
        ],
        "waiting": {reason.value: number for reason, number in named.waiting},
    }


def _record(notice: Any) -> dict[str, Any]:
    from tocsin.notices.choices import Why

    return {
        "constituent": notice.constituent,
        "policy": notice.policy,
        "whom": notice.whom.value,
        "to": notice.to.to,
        "language": notice.language,
        "tlp": notice.tlp.label,
        "severity": f"C{notice.severity}",
        "not_before": notice.not_before.isoformat(),
        "findings": len(notice.lines),
        **{why.value: notice.count(why) for why in Why},
    }


@dataclasses.dataclass(frozen=True)
class Batch:
    """What a command would send, or has sent."""

    plan: Plan
    ready: Sequence[Notice]
    """Notices that somebody has read, and that are not sent yet."""

    @property
    def people(self) -> dict[int, int]:
        """How many addresses each policy writes to."""
        from tocsin.notices.queries import people_of

        found = Counter(self.plan.people())
        found.update(people_of(self.ready))
        return dict(found)

    def told(self) -> dict[str, Any]:
        """Return the figures of what would be sent, as JSON has them."""
        from tocsin.notices.queries import ways_of

        to = [
            each.to.to for each, way in zip(self.plan.notices, ways_of(self.plan.notices), strict=True) if way == "mail"
        ]
        findings = self.plan.told + sum(each.total for each in self.ready)
        return _figures(len(self.plan.notices) + len(self.ready), findings, [*to, *_mailed(self.ready)])


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of it."""

    told: dict[str, Any]
    refused: list[dict[str, Any]]
    """Each once, however many notices wait for the same reason."""
    sent: list[str]
    """References."""
    dropped: list[str]
    """References of notices of which nothing is left to tell."""


def _mailed(notices: Iterable[Notice]) -> list[str]:
    """Return the address of each notice that is mailed, not of those that go by another way."""
    from tocsin.notices.queries import told_by

    return [each.to for each in notices if told_by(each).way == "mail"]


def _figures(notices: int, findings: int, mailed: Sequence[str]) -> dict[str, Any]:
    to = sorted(set(mailed))
    otherwise = notices - len(mailed)
    return {"notices": notices, "findings": findings, "people": len(to), "to": to, "otherwise": otherwise}


def send_notices(options: argparse.Namespace) -> int:
    """Send the notices of the plan, and those that were read and wait; or, in a rehearsal, say to whom.

    Whoever runs the command has read what `notice preview` shows: the notices of the plan count as read by them.
    """
    open_instance()
    with _in_english():
        return _send(options)


def _send(options: argparse.Namespace) -> int:
    from django.conf import settings

    from tocsin.notices import queries

    batch = Batch(queries.plan_now(clock.now()), list(queries.ready()))
    most, people = settings.TOCSIN.notice_people, max(batch.people.values(), default=0)
    asks, unread = people > most, queries.unread_count()
    goes = not options.dry_run and (options.confirm or not asks)
    came = _sent(batch) if goes else Outcome(batch.told(), _hindered(batch), [], [])
    if options.json:
        rest = {"asks": asks, "exercise": batch.plan.is_exercise, "unread": unread, "sent": came.sent}
        print(json.dumps({**came.told, **rest, "refused": came.refused, "dropped": came.dropped}, ensure_ascii=False))
    else:
        _say_what_was_sent(came, unread=unread, is_rehearsal=not goes)
    for each in came.refused:
        to = queries.addressee(each["to"], each["way"])
        print(f"{readable(each['constituent'])}, {readable(to)}: {readable(each['why'])}", file=sys.stderr)
    if asks and not options.confirm:
        raise Conflict(
            f"a policy would write to {people} people, more than {most} (TOCSIN_NOTICE_PEOPLE). "
            "Look at the list, then add --confirm."
        )
    return 1 if came.refused else 0


def _hindered(batch: Batch) -> list[dict[str, Any]]:
    """Return what could not be sent, and why, without doing anything."""
    from tocsin.notices import queries

    waiting = [
        (each.constituent.public_id, told.to, told.way, why)
        for each in batch.ready
        if (why := queries.hindrance(each, batch.plan.at)) and (told := queries.told_by(each))
    ]
    return _each_once([*queries.hindered(batch.plan), *waiting])


def _each_once(found: Iterable[tuple[str, str, Channel, str]]) -> list[dict[str, Any]]:
    return [dict(zip(("constituent", "to", "way", "why"), each, strict=True)) for each in dict.fromkeys(found)]


def _sent(batch: Batch) -> Outcome:
    """Send; say what was refused, what waits in the outbox now, and what had nothing left to tell."""
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.notices import actions, queries
    from tocsin.notices.models import Notice

    by_at: dict[str, Any] = {"by": COMMAND_LINE, "at": batch.plan.at}
    if batch.plan.notices:
        most = len(batch.plan.notices)
        prepared = actions.prepare_notices(batch.plan, most=most, confirmed=True, **by_at)
        for notice in Notice.objects.filter(reference__in=prepared.references):
            actions.preview_notice(notice, **by_at)
    ready = list(queries.ready())
    done = actions.send_notices(ready, most=1, confirmed=True, **by_at)
    gone = [each for each in ready if each.reference in set(done.references)]
    told = _figures(len(gone), sum(each.total for each in gone), _mailed(gone))
    refused = _each_once((each.constituent, each.to, each.way, each.why) for each in done.refused)
    return Outcome(told, refused, list(done.references), list(done.dropped))


def _say_what_was_sent(came: Outcome, *, unread: int, is_rehearsal: bool) -> None:
    from tocsin.courier import queries as outgoing

    for address in came.told["to"]:
        print(readable(address))
    if came.told["otherwise"]:
        print(f"{counted(came.told['otherwise'], 'notice')} on the pages of organisations, or by their webhooks.")
    about = f"{counted(came.told['notices'], 'notice')} about {counted(came.told['findings'], 'finding')}"
    if is_rehearsal:
        print(f"{about}, addressees: {came.told['people']}. Nothing is sent.")
    elif outgoing.never_leaves():
        print(f"{about} in the outbox. Nothing leaves an exercise or a demonstration.")
    else:
        print(f"{about} on the way.")
    if came.dropped:
        print(f"{counted(len(came.dropped), 'notice')} of which nothing is left to tell: not sent.")
    if unread:
        print(f"{counted(unread, 'notice')} prepared by others and not read yet: not among these.")
