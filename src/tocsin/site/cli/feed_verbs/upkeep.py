"""`tocsin feed runs | replay | refold | withdraw | close | confirm | discard`: what is done about runs and cycles."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from tocsin.kernel.counting import counted
from tocsin.kernel.names import readable
from tocsin.kernel.refusals import InvalidInput
from tocsin.site.cli.answers import add_json_option, answer
from tocsin.site.cli.feed_verbs.telling import Bar, day, positive, said_when_waiting, seconds, sentences
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Sequence

    from tocsin.engine.store import Report
    from tocsin.feeds.models import Run
    from tocsin.feeds.standing import Shown

DEFAULT_LIMIT = 20
MOST_LEFT = 20
"""Losses that get a line each."""


def add_verbs(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verbs."""
    runs = verbs.add_parser("runs", help="list imports, the latest first, or what waits for somebody")
    runs.add_argument("--limit", type=positive, default=DEFAULT_LIMIT, metavar="N", help="at most so many")
    runs.add_argument(
        "--waiting",
        action="store_true",
        help="list the cycles that are held, lack a file or are open, each with its fix",
    )
    add_json_option(runs)
    runs.set_defaults(run=list_runs)

    replay = verbs.add_parser("replay", help="read the reports of a run again under the mappings now in force")
    replay.add_argument("number", type=positive, metavar="RUN")
    replay.add_argument("--wait", type=seconds, default=60, metavar="S", help="seconds to wait for another import")
    add_json_option(replay)
    replay.set_defaults(run=replay_run)

    refold = verbs.add_parser("refold", help="compute the findings of a type from its observations anew")
    refold.add_argument(
        "types",
        nargs="*",
        metavar="TYPE",
        help="report type; without one, those whose findings are lost; says what mends the rest",
    )
    add_json_option(refold)
    refold.set_defaults(run=refold_types)

    withdraw = verbs.add_parser("withdraw", help="let the reports of a wrong import count no more")
    withdraw.add_argument("number", type=positive, metavar="RUN")
    withdraw.add_argument("--reason", default="", metavar="TEXT", help="why, for the record")
    add_json_option(withdraw)
    withdraw.set_defaults(run=withdraw_run)

    for verb, text, facts in (
        ("close", "expect no more reports of a type for a day", {"closed": True}),
        ("confirm", "take a held cycle for complete: what it does not show may go gone", {"decision": "confirmed"}),
        ("discard", "take a held cycle for cut short: nothing goes gone because of it", {"decision": "discarded"}),
    ):
        parser = verbs.add_parser(verb, help=text)
        parser.add_argument("type", metavar="TYPE")
        parser.add_argument("date", type=day, metavar="DATE")
        if verb == "close":
            parser.add_argument(
                "--empty", action="store_true", help="nothing was reported for that day, and that is right"
            )
        add_json_option(parser)
        parser.set_defaults(run=decide, facts=facts, empty=False)


def list_runs(options: argparse.Namespace) -> int:
    """List runs, or the cycles that wait for somebody."""
    open_instance()
    from tocsin.feeds.models import Run
    from tocsin.feeds.standing import shown
    from tocsin.feeds.unfinished import unfinished_cycles
    from tocsin.kernel import clock

    cycles = unfinished_cycles(clock.now())
    waiting = [each.as_data() for each in cycles]
    if options.waiting:
        said = "\n".join(f"{each.says}. {each.fix}" for each in cycles)
        answer(options, said or "No cycle waits for anything.", {"waiting": waiting})
        return 0
    runs = [_run_data(each) for each in shown(list(Run.objects.all()[: options.limit]))]
    lines = [
        f"{run['run']:>6}  {run['started_at'][:16].replace('T', ' ')}  {run['state']:11}  "
        f"{_column(run['files'], 5, 'file')}  {_column(run['rows_kept'], 9, 'row')}  {_remark(run)}".rstrip()
        for run in runs
    ]
    if number := sum(each.is_due for each in cycles):
        wait = counted(number, "cycle", "waits", "wait")
        lines.append(f"{wait} for somebody: tocsin feed runs --waiting")
    answer(options, "\n".join(lines) or "Nothing was imported yet.", {"runs": runs, "waiting": waiting})
    return 0


def _run_data(each: Shown) -> dict[str, Any]:
    from tocsin.feeds.choices import Standing
    from tocsin.feeds.standing import interruption

    run, replayed = each.run, each.run.options.get("replay")
    note = interruption(run) if each.standing is Standing.INTERRUPTED else run.note
    return {
        "run": run.pk,
        "state": each.standing.value,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "by": run.actor_label,
        "files": len(run.summary.get("files", [])),
        "rows_kept": run.summary.get("rows_kept", 0),
        "replay_of": replayed,
        "files_broken": len(each.broken),
        "note": note or (f"read run {replayed} again" if replayed else ""),
    }


def _column(number: int, width: int, noun: str) -> str:
    """Return a number with its noun, so that those of other lines stand under both."""
    return counted(number, noun).rjust(width + len(noun) + (1 if number == 1 else 2)).ljust(width + len(noun) + 2)


def _remark(run: dict[str, Any]) -> str:
    """Say what is odd about a run, for people."""
    broken = run["files_broken"]
    files = counted(max(broken, 1), "file")
    if run["state"] == "unreadable":
        return f"nothing could be read ({files})"
    return "; ".join(said for said in (run["note"], f"{files} could not be read" if broken else "") if said)


def _run(number: int) -> Run:
    from tocsin.feeds.models import Run

    run = Run.objects.filter(pk=number).first()
    if run is None:
        raise InvalidInput(f"there is no run {number}.", remedy="See `tocsin feed runs`.")
    return run


def replay_run(options: argparse.Namespace) -> int:
    """Read the reports of a run again."""
    open_instance()
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.feeds import intake
    from tocsin.kernel import clock

    bar = Bar()
    run = _run(options.number)
    waiting = said_when_waiting(options.wait)
    summary = intake.replay(run, by=COMMAND_LINE, at=clock.now(), wait_s=options.wait, waiting=waiting, progress=bar)
    bar.close()
    for broken in summary["broken"]:
        print(f"tocsin: {broken['reason']} It stays as it was.", file=sys.stderr)
    answer(options, "\n".join(sentences(summary)), summary)
    return 1 if summary["broken"] else 0


def refold_types(options: argparse.Namespace) -> int:
    """Compute findings anew."""
    open_instance()
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.feeds import intake, mending
    from tocsin.kernel import clock

    at, waiting = clock.now(), said_when_waiting()
    if options.types:
        mended = mending.Mended(intake.refold(options.types, by=COMMAND_LINE, at=at, waiting=waiting))
    else:
        mended = mending.mend(by=COMMAND_LINE, at=at, waiting=waiting)
    done = mended.done
    said = [f"Computed anew: {counted(number, 'finding')} of {kind}." for kind, number in done.types.items()]
    if done.lost:
        said.append(
            f"{counted(len(done.lost), 'file')} of findings had been lost. They are as the reports say; a finding that "
            "has gone, and had changed hands before that, is with its first holder again."
        )
    said += [f"Imported again from what was downloaded: {readable(name)}." for name in mended.read_again]
    if not said:
        said.append("No findings were computed anew." if mended.left else "No findings are missing or damaged.")
    left = [{"says": loss.says, "fix": loss.fix} for loss in mended.left]
    types_of = [{"type": kind, "findings": number} for kind, number in done.types.items()]
    data = {"types": types_of, "lost": list(done.lost), "read_again": list(mended.read_again), "left": left}
    answer(options, "\n".join(said), data)
    for each in left[:MOST_LEFT]:
        print(f"tocsin: {each['says']}. {each['fix']}", file=sys.stderr)
    if len(left) > MOST_LEFT:
        print(f"tocsin: {counted(len(left) - MOST_LEFT, 'report')} more; --json names them all.", file=sys.stderr)
    return 1 if left else 0


def withdraw_run(options: argparse.Namespace) -> int:
    """Let the reports of a run count no more."""
    open_instance()
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.feeds import intake
    from tocsin.kernel import clock

    run = _run(options.number)
    done = intake.withdraw(run, reason=options.reason, by=COMMAND_LINE, at=clock.now(), waiting=said_when_waiting())
    gone, again = done.recount.gone, _names(done.recount.restored)
    types = sorted({one.type for one in done.delta.types})  # also those of which it only said something
    of_types, verb = ", ".join(sorted({one.type for one in gone})), "counts" if len(gone) == 1 else "count"
    said = f"Withdrew run {run.pk}: {counted(len(gone), 'report')} of {of_types} {verb} no more."
    if not gone:
        said = f"Withdrew run {run.pk}: nothing of it counts any more."
    said += "".join(f" {name} counts again: its correction is withdrawn." for name in again)
    said += "".join(f" {readable(name)} goes on counting: it came in run {number} too." for name, number in done.still)
    for name, number in done.repeated:
        said += (
            f" {readable(name)} came in run {number} too, when it was here already: import it again if it is to count."
        )
    for name in _names(done.recount.missing):
        said += f" {name} does not count again, though its correction is withdrawn: its rows are lost. Import it again."
    if done.past:
        said += f" Of {counted(done.past, 'report')} the rows are no longer kept: what they showed goes on counting."
    told = {"run": run.pk, "reports": len(gone), "types": types, "past": done.past}
    answer(options, said, told | {"again": again, "still": done.still, "repeated": done.repeated})
    return 0


def _names(reports: Sequence[Report]) -> list[str]:
    return [readable(report.name) for report in reports]


def decide(options: argparse.Namespace) -> int:
    """Say what a cycle is worth."""
    open_instance()
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.feeds import intake
    from tocsin.kernel import clock

    change = intake.declare_empty if options.empty else intake.decide
    facts = {} if options.empty else options.facts
    changed = change(options.type, options.date, by=COMMAND_LINE, at=clock.now(), waiting=said_when_waiting(), **facts)
    data = _cycle_data(options, changed=changed)
    answer(options, _cycle_sentence(data) if changed else _stands_sentence(data, options.verb), data)
    return 0


def _cycle_data(options: argparse.Namespace, *, changed: bool) -> dict[str, Any]:
    from tocsin.feeds.models import Cycle

    cycle = Cycle.objects.get(type__name=options.type, on=options.date)
    return {
        "type": options.type,
        "date": options.date.isoformat(),
        "rows": cycle.rows,
        "complete": cycle.closed and not cycle.broken,
        "held": cycle.held,
        "usual": cycle.usual,
        "doubts": cycle.doubts,
        "findings": cycle.findings,
        "usual_findings": cycle.usual_findings,
        "counts": cycle.counts,
        "decision": cycle.decision,
        "changed": changed,
    }


def _named(data: dict[str, Any]) -> str:
    return f"{data['type']} of {data['date']} ({counted(data['rows'], 'row')})"


def _cycle_sentence(data: dict[str, Any]) -> str:
    if data["counts"]:
        return f"{_named(data)} counts: findings that it does not show may go gone."
    if data["held"]:
        from tocsin.feeds.doubts import why_held

        return f"{_named(data)} is held: {why_held(data)}. Use `tocsin feed confirm` or `tocsin feed discard`."
    return f"{_named(data)} makes nothing go gone."


def _stands_sentence(data: dict[str, Any], verb: str) -> str:
    """Say that nothing was decided, since the cycle was so already."""
    was = {"close": "was closed before", "discard": "was discarded before"}.get(
        verb, "was confirmed before" if data["decision"] == "confirmed" else "was not held"
    )
    said = f"{_named(data)} {was}; nothing to decide."
    if data["complete"]:
        return said
    return f"{said} It is not complete: `tocsin feed runs --waiting` says what it waits for."
