#!/usr/bin/env python3
"""Write docs/reference/authorisation.md from tests/authorisation/routes.toml: authorisation.py [--check]

The file says who may do what at which address; tests/authorisation tries every line of it. This page is the same for
people to read, and is never written by hand. `--check` writes nothing and exits 1 when the page is not up to date.
"""

from __future__ import annotations

import dataclasses
import sys
import tomllib
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[1]
ROUTES = TOP / "tests/authorisation/routes.toml"
PAGE = TOP / "docs/reference/authorisation.md"
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CALLERS = {
    "administrator": "a national administrator",
    "head": "a head of team",
    "analyst": "an analyst",
    "auditor": "an auditor",
    "observer": "an observer",
    "green": "an analyst whose account is cleared up to TLP:GREEN, where all that bears a label bears TLP:AMBER",
    "peer": "somebody of a peer team",
    "contact": "a constituent's contact who belongs to no organisation yet",
    "member": "a member of the organisation whose things are asked for",
    "keeper": "an administrator of that organisation's entry",
    "stranger": "an administrator of another organisation's entry",
    "half": "a head of team who has shown a password and has no second factor yet",
    "forgetful": "a head of team who has a second factor and has not shown it",
    "closed": "a national administrator whose account was closed while signed in",
    "nobody": "somebody who is not signed in",
}
"""Who asks, in the order of the columns."""
OWN = "own"
"""The address of a thing that is there, or the only address of a route that has none."""
THINGS = {
    "others": "a thing of another organisation or person",
    "higher": "the account of somebody who may more than the head of team",
    "mismatched": "two ids in one address of which the second does not belong to the first",
    "ended": "a thing that has ended, and is kept; where it is not named, it is not tried",
    "gone": "the number or the name of nothing",
}
"""What else an address may lead to."""


@dataclasses.dataclass(frozen=True)
class Verb:
    """What a verb does at an address, and for whom."""

    who: tuple[str, ...]
    answers: dict[str, dict[str, int]]
    """The status, by thing and by who asks; only of those who pass."""
    form: dict[str, str]
    act: str
    """Code of the row of the audit trail that follows from the form; empty where none does at once."""
    idle: tuple[str, ...] = ()
    """Those for whom the form does nothing."""
    also: tuple[str, ...] = ()
    """What else than what is one's own the form changes."""


@dataclasses.dataclass(frozen=True)
class Route:
    """A name of the table of addresses."""

    name: str
    address: str
    at: dict[str, dict[str, Any]]
    """What stands in the address, by thing."""
    verbs: dict[str, Verb]

    @property
    def who(self) -> frozenset[str]:
        """Those whom the route lets pass, by some verb."""
        return frozenset(caller for verb in self.verbs.values() for caller in verb.who)


def routes() -> dict[str, Route]:
    """Read the file."""
    written = tomllib.loads(ROUTES.read_text(encoding="utf-8"))
    groups = written.pop("who")
    return {name: _route(name, table, groups) for name, table in written.items()}


def _route(name: str, table: dict[str, Any], groups: dict[str, list[str]]) -> Route:
    at = table.get("at", {OWN: {}})
    verbs = {verb: _verb(table[verb], tuple(groups[table[verb]["who"]]), at) for verb in VERBS if verb in table}
    unknown = set(table) - {"address", "at", *VERBS} | set(at) - {OWN, *THINGS}
    if unknown:
        raise ValueError(f"routes.toml, {name}: {', '.join(sorted(unknown))} is not known")
    return Route(name, table["address"], at, verbs)


def _verb(written: dict[str, Any], who: tuple[str, ...], at: dict[str, Any]) -> Verb:
    answers = {}
    for thing in at:
        said = written["answer"] if thing == OWN else written[thing]
        for_each = said if isinstance(said, dict) else dict.fromkeys(who, said)
        answers[thing] = {caller: written.get(caller, status) for caller, status in for_each.items()}
    idle, also = (tuple(written.get(name, ())) for name in ("idle", "also"))
    return Verb(who, answers, written.get("form", {}), written.get("act", ""), idle, also)


def page() -> str:
    """Return the reference page."""
    found = routes()
    words = "\n".join(f"- *{caller}*: {who}" for caller, who in CALLERS.items())
    things = "\n".join(f"- *{thing}*: {what}" for thing, what in THINGS.items())
    head = f"| Address | {' | '.join(CALLERS)} | Other things |"
    # Two names may lead to one address: a page has a name of its own and that of its menu. It is said once.
    told = dict.fromkeys(map(_row, found.values()))
    rows = "\n".join([head, "|---" * (len(CALLERS) + 2) + "|", *told])
    return _PAGE.format(routes=len({route.address for route in found.values()}), words=words, things=things, rows=rows)


def _row(route: Route) -> str:
    cells = [_cell(route, caller) for caller in CALLERS]
    return f"| `{route.address}` | {' | '.join(cells)} | {_things(route)} |"


def _cell(route: Route, caller: str) -> str:
    passes = [verb for verb, rule in route.verbs.items() if caller in rule.who]
    return " ".join(f"{verb} {route.verbs[verb].answers[OWN][caller]}" for verb in passes) or "–"


def _things(route: Route) -> str:
    said = []
    for thing in (each for each in THINGS if each in route.at):
        statuses = {status for rule in route.verbs.values() for status in rule.answers[thing].values()}
        said.append(f"{thing} {'/'.join(map(str, sorted(statuses)))}")
    return ", ".join(said)


_PAGE = """\
# Who may do what

Every address of the product and who passes. Written by `tools/authorisation.py` from `tests/authorisation/routes.toml`;
a test asks each of the {routes} addresses, and an address that is missing here fails it. What it asks for, and as whom:

- *On SQLite* by every verb that an address has, as everybody below. Whoever passes asks for every thing that the last
  column names; so do *member*, *keeper*, *stranger* and *nobody* where they are refused. All others who are refused are
  so before anything is looked for: they ask for the thing of the address alone. The verbs of HTTP that an address does
  not have (of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS) are tried as the first who passes, the first who does not,
  the stranger and nobody.
- *On PostgreSQL* the same addresses by the verbs that they have: as the first and the last who pass, in the order
  below, and as the first who is refused, the stranger and nobody where they are. Who passes is decided by the same code
  before the database is asked.
- *On both* whatever is done and written is compared before it is taken back, of those who are refused as well.

Who asks:

{words}

A cell names the verbs that pass and the status of the answer: 200 is a page, 302 leads on after something was done,
404 is not there, 405 is a verb that the address does not have. What stands in no cell is refused: with 403 to those who
are signed in, and by a way to sign in, or to set up the second factor, to all others. Nothing is written then. Fields
that a form does not have change nothing.

Below `/api/` everybody asks with a key of theirs that has every scope, and a cookie counts for nothing. Who is in no
cell is refused in JSON: with 401 where there is no good key, else with 403. So are keys that lack the scope of an
operation. A field that an operation does not have is refused with 422.

The column *green* is that of an account which is not cleared for the label of what is asked for: things of it are not
there, and lists, counts and files are answered without them. It is the one account here that is cleared for less than
its role, and AMBER the one label. That no byte of such a thing and no number made of it reaches any page is tried by
`tests/feeds/test_clearance.py`. What holds things of every label, or of none, is refused.

The last column says what is answered to those who pass when the address leads to something else:

{things}

{rows}
"""


def main(arguments: list[str]) -> int:
    """Write the page, or check it."""
    if "--check" not in arguments:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    sys.stderr.write(f"{PAGE.relative_to(TOP)} is not up to date: run .venv/bin/python tools/authorisation.py\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
