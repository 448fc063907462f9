"""Files of the store get the digest of what they hold into their names.

Each gets a second name first; the rows say the new one when this is committed. A crash before leaves the old names
true. What nothing names then, old names or new ones, is swept by the next import; tables of addresses, at which it does
not look, lose their old names here. A file that cannot be read to its end keeps its name, and so does every one where a
file cannot have two: doctor reads these, and finds what cannot be read.
"""

import functools
import os
from pathlib import Path

from django.conf import settings
from django.db import migrations, transaction
from django.db.models import F

from tocsin.engine import digests
from tocsin.kernel import durable

_MARK = "unclean"
"""As `feeds.sweeping.MARK`: somebody was at work on the store, and the next one sweeps."""


def name_by_digests(apps, _schema_editor):
    """Name what the manifest names."""
    store = getattr(getattr(settings, "TOCSIN", None), "store", None)
    if store is None or not store.is_dir():
        return
    durable.write(store / _MARK, b"")
    durable.sync(store)
    for model in ("State", "Baseline"):
        for row in apps.get_model("feeds", model).objects.all():
            row.partitions = _named(store, row.partitions)
            row.save(update_fields=["partitions"])
    reports = apps.get_model("feeds", "Report").objects.filter(state__in=("accepted", "withdrawn"))
    for row in reports.only("parts", "quarantine").order_by("pk").iterator(chunk_size=500):
        row.parts = _named(store, row.parts)
        row.quarantine = _named(store, [row.quarantine])[0]
        row.save(update_fields=["parts", "quarantine"])
    for row in apps.get_model("directory", "ReferenceTable").objects.filter(is_current=True):
        before, row.file = row.file, _named(store, [row.file])[0]
        row.save(update_fields=["file"])
        if row.file != before:
            transaction.on_commit(functools.partial((store / before).unlink, missing_ok=True))
    apps.get_model("feeds", "Manifest").objects.update(version=F("version") + 1)


def _named(store: Path, files):
    return [_name(store, file) for file in files]


def _name(store: Path, file: str) -> str:
    from tocsin.engine.wholeness import is_changed  # PyArrow: a web process that looks for lacking steps loads this file

    path = store / file
    if not file or digests.in_name(file) or not path.is_file() or is_changed(path):
        return file
    named = digests.name_with(path, digests.of(path))
    try:
        named.unlink(missing_ok=True)  # of an upgrade that was cut short
        os.link(path, named)
    except OSError:  # not every file system lets a file have two names
        return file
    durable.sync(named.parent)
    return named.relative_to(store).as_posix()


class Migration(migrations.Migration):
    """Rename; the way back needs nothing, since names with digests are names."""

    dependencies = [("feeds", "0008_why_a_cycle_is_held"), ("directory", "0002_fold_ligatures")]
    operations = [migrations.RunPython(name_by_digests, migrations.RunPython.noop)]
