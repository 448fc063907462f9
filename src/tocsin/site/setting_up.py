"""Making an instance, and carrying it from one version to the next."""

from __future__ import annotations

import dataclasses

from tocsin import __version__
from tocsin.kernel.refusals import Conflict, Unavailable
from tocsin.site import instance, secret, unusable
from tocsin.site.config import Config
from tocsin.site.starting import GONE, is_gone, left_alone, require_server, set_up_django


@dataclasses.dataclass(frozen=True)
class Upgrade:
    """What an upgrade did."""

    before: str
    after: str
    migrations: tuple[str, ...]
    """Names of the steps applied to the database: `feeds.0002_notes`."""
    trail_mended: bool
    """The database had ceased to refuse changes of the audit trail, and refuses them again."""
    key_made: bool
    """There was no key that signs the trail, or none on record."""


def set_up(config: Config) -> bool:
    """Make the data directory, its keys and its database; return False when it was there already.

    A set-up that was interrupted is taken up again. Raises Conflict when the
    instance is of another version, Unavailable when the database is not there.
    """
    if instance.version_of(config.home) is not None:
        instance.require_ready(config.home)
        set_up_django()
        _refuse_if_gone(config)
        return False
    require_server()
    instance.make_home(config.home)
    secret.make_instance_key(config.home)  # before the settings are loaded, which read it
    set_up_django()
    _migrate()
    _make_audit_key(config)
    instance.mark(config.home)
    return True


def _make_audit_key(config: Config) -> bool:
    """Make the key that signs the audit trail, and put it on record; return False when all that was done."""
    from tocsin.audit import keeping
    from tocsin.audit.actors import System
    from tocsin.kernel import clock

    return keeping.ensure_key(config.home, by=System("set-up"), at=clock.now())


def invite_first_person(config: Config) -> str | None:
    """Return a one-time link to become national administrator while none can sign in, else None."""
    from tocsin.audit.actors import System
    from tocsin.kernel import clock
    from tocsin.people import actions, links, queries
    from tocsin.site.addresses import enrolment_address

    if instance.is_demonstration(config.home) or queries.an_administrator_can_sign_in():
        return None
    token = links.new_token()
    actions.invite_first_person(token=token, by=System("set-up"), at=clock.now())
    return enrolment_address(config, token)


def upgrade(config: Config) -> Upgrade:
    """Bring the database of an instance up to this version.

    Raises Conflict when the instance is newer or none, Busy while somebody works on it.
    """
    before = instance.version_of(config.home)
    if before is None:
        raise Conflict(f"{config.home} is not set up. Run `tocsin init` instead.")
    if instance.is_newer(before):
        raise Conflict(f"{config.home} is of version {before}, newer than this software. Install {before} or newer.")
    set_up_django()
    _refuse_if_gone(config)
    with left_alone(config.home, "upgrade"):
        steps = pending_migrations()
        if steps:
            _migrate()
        mended = _forbid_changes_of_the_trail()
        key_made = _make_audit_key(config)
        if key_made:
            _sign_head(config)
        instance.mark(config.home)
    return Upgrade(before=before, after=__version__, migrations=steps, trail_mended=mended, key_made=key_made)


def _sign_head(config: Config) -> None:
    """Sign what is there: rows of an earlier version have waited for it."""
    from tocsin.audit import keeping
    from tocsin.kernel import clock

    keeping.sign_if_due(config.home, at=clock.now())


def _refuse_if_gone(config: Config) -> None:
    if is_gone(config.store):
        raise Conflict(GONE)


def _forbid_changes_of_the_trail() -> bool:
    """Have the database refuse to change audit rows; return False when it did."""
    from django.db import connection, transaction

    from tocsin.audit import append_only

    if append_only.holds(connection):
        return False
    with transaction.atomic():
        append_only.forbid(connection)
    return True


def pending_migrations() -> tuple[str, ...]:
    """Return the names of the steps that the database still lacks, in order."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return tuple(f"{migration.app_label}.{migration.name}" for migration, _ in plan)


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import OperationalError

    try:
        call_command("migrate", interactive=False, verbosity=0)
    except OperationalError as error:
        raise Unavailable(
            f"The database cannot be used ({unusable.first_line(error)}). See `tocsin doctor`."
        ) from error
