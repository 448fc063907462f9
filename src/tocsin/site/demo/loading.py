"""Load Meridia into an instance of its own, through the same functions as the commands; and let its visitor in."""

from __future__ import annotations

import dataclasses
import datetime as dt
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tocsin.kernel.refusals import Conflict
from tocsin.site import instance, setting_up
from tocsin.site.config import Config
from tocsin.site.demo import asking, telling
from tocsin.site.demo.writing import DemoFiles, write_country
from tocsin.site.starting import require_server

_LOADING = "loading"
VISITOR = "visitor@meridia.example"
SEEN_UNTIL = dt.time(6)
"""Time of the last day, UTC, after which nothing has been seen yet, unless that lies ahead."""
SETTINGS = 'team_name = "CIRT Meridia"\n'
Tell = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A demonstration that is ready."""

    today: dt.date
    """The last of its seven days."""
    fresh: bool
    """It was loaded just now."""


def seen_until(day: dt.date, now: dt.datetime) -> dt.time:
    """Return the time of the last day, UTC, after which nothing has been seen, so that nothing in it lies ahead."""
    if now.date() != day:
        return SEEN_UNTIL
    return min(SEEN_UNTIL, max(dt.time(now.hour, now.minute), dt.time(minute=1)))


def make_ready(config: Config, today: dt.date | None, *, now: dt.datetime, tell: Tell) -> Loaded:
    """Make the data directory a demonstration and load it, unless that was done. Loads Django.

    A load that was cut short is taken up again for its day. Raises Conflict when
    the directory is an instance with real data, or a demonstration of another day than asked for.
    """
    mark = config.home / instance.DEMONSTRATION
    if not mark.is_file():
        _refuse_real_instance(config.home)
    said = mark.read_text(encoding="ascii").split() if mark.is_file() else []
    day = dt.date.fromisoformat(said[0]) if said else today or now.date()
    until = dt.time.fromisoformat(said[2]) if len(said) > 2 else seen_until(day, now)
    if today and today != day:
        raise Conflict(f"{config.home} was loaded for {day}. Remove it, or name another folder with --home.")
    require_server()
    instance.make_home(config.home)
    done = bool(said) and _LOADING not in said
    if not done:
        mark.write_text(f"{day} {_LOADING} {until:%H:%M}\n", encoding="ascii")
    _set_up(config)
    if not done:
        _load(config, day, until, tell)
        mark.write_text(f"{day}\n", encoding="ascii")
    return Loaded(day, not done)


def _refuse_real_instance(home: Path) -> None:
    if instance.version_of(home) is not None or (home / "tocsin.sqlite3").exists():
        raise Conflict(f"{home} is an instance with data of its own. Name another folder with --home.")


def _set_up(config: Config) -> None:
    found = instance.version_of(config.home)
    if found is None and not (config.home / "tocsin.toml").exists():
        (config.home / "tocsin.toml").write_text(SETTINGS, encoding="utf-8")
    if found is None:
        setting_up.set_up(config)
    else:  # of the same version, too: between releases the database may have got further steps
        setting_up.upgrade(config)


def _load(config: Config, day: dt.date, until: dt.time, tell: Tell) -> None:
    """Write the files and take them in; each step does nothing when it was done before."""
    with tempfile.TemporaryDirectory(dir=config.home, prefix="meridia-") as folder:
        files = write_country(Path(folder), day, until=until)
        tell(f"Loading seven days of Meridia, {files.rows} rows in {len(files.reports)} reports, ending on {day}.")
        _take_in_directory(files, config, day)
        _take_in_reports(files, day)
        telling.begin_to_tell(day, **_by_and_at())
        telling.let_members_answer(**_by_and_at())
        asking.let_members_ask(**_by_and_at())


def _take_in_directory(files: DemoFiles, config: Config, day: dt.date) -> None:
    from tocsin.directory import actions, queries
    from tocsin.directory.choices import TableKind

    read = queries.read_files([(files.directory.name, files.directory.read_bytes())], today=day)
    if not queries.plan_import(read, end_missing=False).is_empty:
        actions.import_directory(read, **_by_and_at())
    actions.load_reference_table(TableKind.ASN, files.rib, store=config.store, **_by_and_at())


def _take_in_reports(files: DemoFiles, day: dt.date) -> None:
    from django.conf import settings

    from tocsin.engine.run import Options
    from tocsin.feeds import intake

    options = Options(gone_after=settings.TOCSIN.gone_after, latest=day, come=day)
    intake.import_reports(files.reports, options=options, **_by_and_at())


def _by_and_at() -> dict[str, Any]:
    from tocsin.audit.actors import System
    from tocsin.kernel import clock

    return {"by": System("demonstration"), "at": clock.now()}


def sign_in_link(config: Config) -> str:
    """Return a new one-time link by which somebody at this machine signs in."""
    from tocsin.people import actions, queries
    from tocsin.people.choices import Role
    from tocsin.people.models import Person

    person = queries.person_by_email(VISITOR)
    if person is None:
        made = actions.create_person(
            email=VISITOR, name="Ilse Maravu", role=Role.NATIONAL_ADMINISTRATOR, **_by_and_at()
        )
        person = Person.objects.get(pk=made.person)
    return _link(config, person)


def member_link(config: Config) -> str:
    """Return the same for a member of one of Meridia's organisations; nothing where a load from before had none."""
    from tocsin.people import queries

    person = queries.person_by_email(telling.MEMBER)
    return _link(config, person) if person else ""


def _link(config: Config, person: Any) -> str:
    from tocsin.people import actions, links
    from tocsin.site.addresses import demo_address

    token = links.new_token()
    actions.make_demo_sign_in_link(person, token=token, **_by_and_at())
    return demo_address(config, token)
