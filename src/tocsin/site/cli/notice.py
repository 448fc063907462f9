"""`tocsin notice …`: who would be told of what now."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tocsin.kernel import clock
from tocsin.kernel.counting import counted
from tocsin.kernel.names import readable
from tocsin.kernel.refusals import Conflict, InvalidInput
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from tocsin.notices.queries import Letter, NamedPlan, Plan


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
    send = verbs.add_parser("send", help="say to whom notices would go; a rehearsal")
    send.add_argument("--dry-run", action="store_true", required=True, help="say it and do nothing")
    send.add_argument("--confirm", action="store_true", help="also where a policy writes to many people")
    send.add_argument("--json", action="store_true", help="print one JSON object on one line")
    send.set_defaults(run=rehearse)


def preview_notices(options: argparse.Namespace) -> int:
    """Show the plan; of constituents that are named, the text as well."""
    open_instance()
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
        print(_line(each.notice))
        if letters:
            print(f"\n{queries.subject(letters[number])}\n\n{queries.text(letters[number])}")
    _say_the_rest(plan, named)
    return 0


def _refuse_unknown(public_ids: Sequence[str]) -> None:
    from tocsin.directory.models import Constituent

    known = set(Constituent.objects.filter(public_id__in=public_ids).values_list("public_id", flat=True))
    for public_id in public_ids:
        if public_id not in known:
            raise InvalidInput(f"there is no constituent {readable(public_id)}.", where="--constituent")


def _line(notice: Any) -> str:
    cells = (
        notice.constituent, f"C{notice.severity}", counted(len(notice.lines), "finding"), notice.to.to, notice.language,
        notice.tlp.label, f"not before {notice.not_before.isoformat(timespec='minutes')}",
    )  # fmt: skip
    return "\t".join(readable(str(cell)) for cell in cells)


def _say_the_rest(plan: Plan, named: NamedPlan) -> None:
    print(f"{counted(len(plan.notices), 'notice')} about {counted(plan.told, 'finding')}. Nothing is sent or marked.")
    for unreached in named.unreached:
        who = readable(unreached.constituent.public_id)
        print(f"Nobody to tell at {who} ({unreached.whom.value}): {counted(unreached.findings, 'finding')}.")
    for reason, number in named.waiting:
        print(f"{counted(number, 'finding', 'waits', 'wait')} ({reason.value}).")


def _data(plan: Plan, named: NamedPlan, letters: Sequence[Letter]) -> dict[str, Any]:
    from tocsin.notices import queries

    texts = [{"subject": queries.subject(each), "text": queries.text(each)} for each in letters]
    return {
        "at": plan.at.isoformat(),
        "exercise": plan.is_exercise,
        "notices": [
            {**_record(each.notice), **(texts[number] if texts else {})} for number, each in enumerate(named.notices)
        ],
        "unreached": [
            {"constituent": each.constituent.public_id, "whom": each.whom.value, "findings": each.findings}
            for each in named.unreached
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


def rehearse(options: argparse.Namespace) -> int:
    """Say to whom notices would go, and how many."""
    open_instance()
    from django.conf import settings

    from tocsin.notices import queries

    plan = queries.plan_now(clock.now())
    most = settings.TOCSIN.notice_people
    people = plan.people()
    asks = max(people.values(), default=0) > most
    to = sorted({each.to.to for each in plan.notices})
    if options.json:
        told = {"notices": len(plan.notices), "findings": plan.told, "people": len(to), "to": to}
        print(json.dumps({**told, "asks": asks, "exercise": plan.is_exercise}, ensure_ascii=False))
    else:
        for address in to:
            print(readable(address))
        said = (counted(len(plan.notices), "notice"), counted(plan.told, "finding"))
        print(f"{said[0]} about {said[1]}, addressees: {len(to)}. Nothing is sent.")
    if asks and not options.confirm:
        raise Conflict(
            f"a policy would write to {max(people.values())} people, more than {most} (TOCSIN_NOTICE_PEOPLE). "
            "Look at the list, then add --confirm."
        )
    return 0
