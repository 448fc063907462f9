"""N1: the plan of all notices: whom to tell of which of 100,000 open findings of 500 constituents.

    TOCSIN_HOME=DIR python -m bench.notices policy|tell|while-there

The instance is filled by `bench.stored`, a third of whose findings are nobody's; each constituent has a contact, and a
policy is for everybody. Measured is `tocsin notice preview --json` as a user runs it, first when nothing was told yet,
then when all of it was: what was told of each finding is then read as well. Then whether it helped is reckoned, as if
it had been told while the findings were there.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import shutil
import sys
from typing import Any

from bench import product
from bench.figures import Figure, Target, median
from bench.measures import Setting, Wrong
from bench.pages.stock import address as address_of
from bench.processes import Cost
from bench.stored import CONSTITUENTS, FIRST_DAY

SECONDS = Target(10.0, 3.0)
MEMORY_MB = Target(500.0, 300.0)
DAYS = 10


def directory() -> list[dict[str, Any]]:
    """Return the constituents whose findings `bench.stored` writes, each with somebody to tell."""
    return [
        {
            "id": f"c{number:04d}", "name": f"Organisation {number}", "sector": "energy",
            "contacts": [{"role": "security", "email": f"soc@org{number:04d}.example"}],
        }
        for number in range(CONSTITUENTS)
    ]  # fmt: skip


MAIL = 'smtp_url = "smtp://127.0.0.1:9"\nmail_from = "cirt@cirt.example"\n'


def planned(setting: Setting, *, rows: int, database: str) -> list[Figure]:
    """Fill an instance with so many open findings and have its notices planned. Raises bench.processes.Failed."""
    home = setting.scratch / f"notices-{database}"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    file = home.with_suffix(".json")
    file.write_text(json.dumps(directory()), encoding="utf-8")
    with address_of(database) as address:
        made = product.Instance(home, address)
        product.prepare(made, file)
        # Mail is set up, and nothing of it leaves: no worker runs.
        (home / "tocsin.toml").write_text(MAIL, encoding="utf-8")
        setting.say(f"N1, writing {rows:,} open findings, {database}")
        made.python("-m", "bench.stored", str(rows * DAYS), "--days", str(DAYS))
        made.python("-m", "bench.notices", "policy")
        figures = _measured(setting, made, f"{database}, nothing told yet")
        setting.say(f"N1, telling all of it, {database}")
        made.python("-m", "bench.notices", "tell")
        figures += _measured(setting, made, f"{database}, all of it told")
        made.python("-m", "bench.notices", "while-there")
        figures += _reckoned(setting, made, database)
    shutil.rmtree(home)
    return figures


def _measured(setting: Setting, made: product.Instance, what: str) -> list[Figure]:
    costs: list[Cost] = []
    counts: set[tuple[int, int, int]] = set()
    for _round in range(setting.repeat):
        cost, said = made.tocsin("notice", "preview", "--json")
        answer = json.loads(said)
        told = sum(each["findings"] for each in answer["notices"])
        counts.add((len(answer["notices"]), told, sum(answer["waiting"].values())))
        costs.append(cost)
    if len(counts) != 1:
        raise Wrong(f"Plans of the same findings are not the same: {sorted(counts)}.")
    notices, told, waiting = counts.pop()
    title = f"N1 {notices} notices about {told:,} findings, {waiting:,} wait ({what})"
    return [
        median(f"{title}: seconds", [cost.wall_s for cost in costs], "s", SECONDS),
        median(f"{title}: processor time", [cost.cpu_s for cost in costs], "s"),
        median(f"{title}: memory", [cost.peak_mb for cost in costs], "MB", MEMORY_MB),
    ]


def _reckoned(setting: Setting, made: product.Instance, database: str) -> list[Figure]:
    setting.say(f"N1, whether it helped, {database}")
    spent = [made.tocsin("notice", "effect", "--by", "constituent", "--json") for _round in range(setting.repeat)]
    said = json.loads(spent[0][1])
    if not 0 < said["told"] <= said["lives"]:
        raise Wrong(f"No finding was told while it was there: {said['told']} of {said['lives']}.")
    title = f"N1 whether {said['told']:,} of {said['lives']:,} lives were told to some effect ({database})"
    return [
        median(f"{title}: seconds", [cost.wall_s for cost, _said in spent], "s", SECONDS),
        median(f"{title}: processor time", [cost.cpu_s for cost, _said in spent], "s"),
        median(f"{title}: memory", [cost.peak_mb for cost, _said in spent], "MB", MEMORY_MB),
    ]


def main(verb: str) -> None:
    """Write the policy, send all that is due without sending it, or date it back to when the findings were there."""
    from tocsin.site.starting import set_up_django

    set_up_django()
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.kernel.clock import now
    from tocsin.notices import actions, queries
    from tocsin.notices.choices import NoticeState
    from tocsin.notices.models import LedgerEntry, Notice

    by_at = functools.partial(dict, by=COMMAND_LINE, at=now())
    if verb == "policy":
        actions.add_policy(threshold=6, **by_at())
        return
    if verb == "while-there":
        day = FIRST_DAY + dt.timedelta(days=DAYS // 2)
        LedgerEntry.objects.update(at=dt.datetime.combine(day, dt.time(12), dt.UTC))
        return
    actions.prepare_notices(queries.plan_now(now()), most=CONSTITUENTS, **by_at())
    for notice in Notice.objects.all():
        actions.preview_notice(notice, **by_at())
        actions.queue_notice(notice, **by_at())
        actions.record_outcome(notice, what=NoticeState.SENT, **by_at(at=now() + dt.timedelta(seconds=1)))


if __name__ == "__main__":
    main(sys.argv[1])
