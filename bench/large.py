"""E5: a hundred million stored observations, and what a dashboard asks of them."""

from __future__ import annotations

import json
import shutil

from bench import product
from bench.figures import Figure, Target, median
from bench.measures import Setting, Wrong

RAW = Target(2.0, 1.0)
ROLLED_UP = Target(0.1, 0.02)
BYTES_EACH = 60
"""What an observation takes on disk without its raw cells, with its share of findings and roll-up; generous."""
_FREE_SHARE = 0.7
_REPEAT = 5
_MANY_A_DAY = 1_000_000


def stored(setting: Setting, observations: int) -> list[Figure]:
    """Fill an instance and ask. With too little room on the disk there are fewer observations, and a note says so."""
    fitting = int(shutil.disk_usage(setting.data).free * _FREE_SHARE / BYTES_EACH)
    rows = min(observations, fitting)
    note = "" if rows == observations else f"{observations:,} were asked for; the disk has room for {rows:,}"
    home = setting.scratch / "stored"
    shutil.rmtree(home, ignore_errors=True)
    made = product.Instance(home)
    made.tocsin("init")
    setting.say(f"E5, writing {rows:,} observations")
    days = min(max(rows // _MANY_A_DAY, 10), 365)
    written, said = product.python("-m", "bench.stored", str(rows), "--days", str(days), home=home)
    filled = json.loads(said)
    setting.say("E5, asking")
    asked, said = product.python("-m", "bench.questions", str(_REPEAT), home=home)
    got = json.loads(said)
    shutil.rmtree(home)
    if got["disagree"]:
        raise Wrong(f"Files and roll-up do not agree: {', '.join(got['disagree'])}.")
    title = f"{filled['observations']:,} observations"
    figures = [
        median(f"E5 {kind}, {name}, {title}", seconds["warm"], "s", target, note)
        for kind, target in (("raw", RAW), ("roll-up", ROLLED_UP))
        for name, seconds in got[kind].items()
    ]
    figures += [
        Figure(f"E5 {kind}, {name}: first time asked", round(seconds["cold"], 4), "s")
        for kind in ("raw", "roll-up")
        for name, seconds in got[kind].items()
    ]
    figures += [
        median(f"E5 {kind}, {name}: processor time", seconds["cpu"], "s")
        for kind in ("raw", "roll-up", "findings")
        for name, seconds in got[kind].items()
    ]
    figures += [
        median(f"E5 {name}, {filled['findings']:,} findings", seconds["warm"], "s")
        for name, seconds in got["findings"].items()
    ]
    return [
        *figures,
        Figure("E5 peak memory of the asking process", round(asked.peak_mb), "MB"),
        Figure("E5 stored files", round(filled["bytes"] / 1e6), "MB"),
        Figure("E5 parts", filled["parts"]),
        Figure("E5 rows of the fine roll-up", filled["movements"]),
        Figure("E5 rows of the second roll-up", filled["sums"]),
        Figure("E5 writing", round(written.wall_s), "s"),
    ]
