"""`tocsin notice effect`: reckon now whether telling helps, and say it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from tocsin.kernel import clock
from tocsin.kernel.names import readable
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from tocsin.effect.reckoned import Measured, Reckoned


SPLITS = ("class", "sector", "constituent", "policy")
_SAID = {
    "too_few": "too few to say",
    "no_visible_effect": "no visible effect",
    "faster": "told findings go sooner",
    "slower": "told findings go later",
}


def add_verb(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `effect`."""
    effect = verbs.add_parser("effect", help="reckon now whether findings go sooner when they are told")
    effect.add_argument("--by", choices=SPLITS, help="say it of each one as well")
    effect.add_argument("--json", action="store_true", help="print one JSON object on one line")
    effect.set_defaults(run=measure_effect)


def measure_effect(options: argparse.Namespace) -> int:
    """Reckon all figures, write them down for the pages, and say those that are asked for."""
    open_instance()
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.effect import actions, measuring, queries

    at, basis = clock.now(), queries.basis()
    measured = measuring.measure(at)
    actions.record_measurement(measured, basis=basis, by=COMMAND_LINE, at=at)
    chosen = [each for each in measured.figures if each.by in ("all", options.by)]
    if options.json:
        figures = [_record(each) for each in chosen]
        print(json.dumps({"at": at.isoformat(), **_about(measured), "figures": figures}, ensure_ascii=False))
        return 0
    for each in chosen:
        print(_line(each))
    if not chosen:
        print("No finding has been watched from its beginning for long enough yet.")
    print(f"Reckoned from {_lives(measured.lives)}, {measured.told} of them told.")
    return 0


def _lives(number: int) -> str:
    return f"{number} {'life' if number == 1 else 'lives'}"


def _about(measured: Measured) -> dict[str, Any]:
    return {
        "watched_to": measured.watched_to.isoformat() if measured.watched_to else None,
        "lives": measured.lives,
        "told": measured.told,
        "began_before": measured.began_before,
        "too_young": measured.too_young,
        "handed_over": measured.handed_over,
    }


def _record(figure: Reckoned) -> dict[str, Any]:
    return {"comparison": figure.comparison.value, "by": figure.by.value, "key": figure.key, **figure.facts}


def _line(figure: Reckoned) -> str:
    facts, ratio = figure.facts, figure.facts["ratio"]
    said = _SAID[facts["verdict"]]
    if ratio and facts["verdict"] != "too_few":
        said += f", {ratio[0]:.2f} times as fast ({ratio[1]:.2f} to {ratio[2]:.2f})"
    lives = f"{facts['told']['lives']} against {_lives(facts['natural']['lives'])}"
    return "\t".join((figure.comparison.value, figure.by.value, readable(figure.key) or "-", said, lives))
