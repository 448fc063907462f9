"""`tocsin feed schema …`: the publisher's schema."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tocsin.kernel.counting import counted
from tocsin.site.cli.answers import add_json_option, answer, named
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from tocsin.feeds.schemas import Candidate
    from tocsin.formats.shadowserver import Difference, TypeDifference

SHOWN_TYPES = 20
SHOWN_PROBLEMS = 10


def add_verbs(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `schema` and what can be done with it."""
    noun = verbs.add_parser("schema", help="the publisher's schema: show, compare, take into use")
    inner = noun.add_subparsers(dest="schema_verb", metavar="VERB", required=True)
    for verb, run, text in (
        ("load", load, "take the publisher's intelmq.json and reports.json into use"),
        ("diff", diff, "say what these files would change, and change nothing"),
    ):
        parser = inner.add_parser(verb, help=text)
        parser.add_argument("files", nargs="+", type=named, metavar="FILE")
        add_json_option(parser)
        parser.set_defaults(run=run)
    parser = inner.add_parser("show", help="say which schema is in force")
    add_json_option(parser)
    parser.set_defaults(run=show)


def load(options: argparse.Namespace) -> int:
    """Take a schema into use."""
    open_instance()
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.feeds import schemas
    from tocsin.kernel import clock

    candidate = schemas.load(options.files, by=COMMAND_LINE, at=clock.now())
    if candidate.is_in_force:
        said = [f"In force already: {_named(candidate)}; nothing to do.", *_problems(candidate)]
    else:
        said = [f"Loaded {_named(candidate)}. The next `tocsin feed run` reads by it."]
        said += [_counted(candidate), *_sentences(candidate.difference), *_problems(candidate)]
        said.append("What was imported before can be read again by it: tocsin feed replay RUN.")
    answer(options, "\n".join(said), {"loaded": not candidate.is_in_force, **_data(candidate)})
    return 0


def diff(options: argparse.Namespace) -> int:
    """Say what a schema would change."""
    open_instance()
    from tocsin.feeds import schemas

    candidate = schemas.examine(options.files)
    said = [_counted(candidate), *_sentences(candidate.difference)]
    if len(said) == 1:
        said.append("It would change nothing.")
    said += _problems(candidate)
    answer(options, "\n".join([f"Compared with what is in force, {_named(candidate)}:", *said]), _data(candidate))
    return 0


def show(options: argparse.Namespace) -> int:
    """Say which schema is in force."""
    open_instance()
    from django.conf import settings

    from tocsin.feeds import mappings
    from tocsin.formats import shadowserver

    schema = mappings.in_force(settings.TOCSIN.home)
    feeds = [feed.mapping.type for feed in mappings.own_feeds(settings.TOCSIN.home)]
    data = {
        "published_at": schema.published_at if schema else "",
        "types": len(schema.mappings) if schema else 0,
        "problems": list(schema.problems) if schema else [],
        "built_in": len(shadowserver.built_in()),
        "mapping_files": feeds,
    }
    said = (
        f"The publisher's schema of {schema.published_at or 'an unknown day'} is in force, with {data['types']} types."
        if schema
        else f"No schema was loaded: the {data['built_in']} built-in types are known."
    )
    answer(options, "\n".join([said, *(f"Mapping file: {feed}." for feed in feeds)]), data)
    return 0


def _named(candidate: Candidate) -> str:
    schema = candidate.schema
    return f"the schema of {schema.published_at or 'an unknown day'} with {counted(len(schema.mappings), 'type')}"


def _counted(candidate: Candidate) -> str:
    """Say of how many types it says something new."""
    difference = candidate.difference
    new, changed = len(difference.types_added), len(difference.types_changed)
    same = len(candidate.schema.mappings) - new - changed
    return (
        f"Types: {new} new, {changed} changed, {same} as before, {len(difference.types_removed)} no longer described."
    )


def _problems(candidate: Candidate) -> list[str]:
    """Say what the schema says that is not understood."""
    problems = candidate.schema.problems
    if not problems:
        return []
    said = [f"Not understood, in {len(problems)} {'place' if len(problems) == 1 else 'places'}:"]
    said += [f"  {problem}" for problem in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        said.append(f"  and {len(problems) - SHOWN_PROBLEMS} more; --json lists all.")
    return said


def _data(candidate: Candidate) -> dict[str, Any]:
    schema = candidate.schema
    return {
        "published_at": schema.published_at,
        "types": len(schema.mappings),
        "problems": list(schema.problems),
        **candidate.difference.as_data(),
    }


def _sentences(difference: Difference) -> list[str]:
    """Say what changes: types first, then what changes in each."""
    said = []
    if difference.types_added:
        new = counted(len(difference.types_added), "type", "is new", "are new")
        said.append(f"{new}: {_listed(difference.types_added)}.")
    if difference.types_removed:
        gone = counted(len(difference.types_removed), "type", "is no longer described", "are no longer described")
        said.append(f"{gone}: {_listed(difference.types_removed)}.")
    if difference.types_changed:
        said.append(f"{counted(len(difference.types_changed), 'type', 'changes', 'change')}:")
    said += [f"  {change.type}: {_change(change)}." for change in difference.types_changed[:SHOWN_TYPES]]
    if len(difference.types_changed) > SHOWN_TYPES:
        said.append(f"  and {len(difference.types_changed) - SHOWN_TYPES} more; --json lists all.")
    return said


def _change(change: TypeDifference) -> str:
    """Say what changes in one type, shortly."""
    counts = (
        (change.fields_added, "field", "added"),
        (change.fields_removed, "field", "removed"),
        (change.conversions_changed, "field", "read otherwise"),
        (change.columns_added, "column", "added"),
        (change.columns_removed, "column", "removed"),
    )
    said = [counted(len(each), noun, what, what) for each, noun, what in counts if each]
    said += [f"{key} {before or 'nothing'} → {after or 'nothing'}" for key, before, after in change.constants_changed]
    if change.title:
        said.append(f"named {change.title[1]!r}, before {change.title[0]!r}")
    if change.identity_changes:
        said.append("FINDINGS WOULD GET NEW IDENTITIES: old ones would go gone, new ones appear")
    if change.attribution_changes:
        said.append("other columns would decide whose a finding is")
    return "; ".join(said)


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:SHOWN_TYPES])
    return shown if len(names) <= SHOWN_TYPES else f"{shown} and {len(names) - SHOWN_TYPES} more"
