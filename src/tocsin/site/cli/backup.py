"""`tocsin backup` and `tocsin restore`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tocsin.kernel.counting import counted
from tocsin.kernel.refusals import Conflict
from tocsin.site.cli.answers import add_json_option, answer, named

if TYPE_CHECKING:
    from argparse import _SubParsersAction


MOST_NAMED = 100
"""Lost files that are named; `--json` and the list in the backup name all."""


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `backup` and `restore`."""
    backup = commands.add_parser(
        "backup",
        help="write the whole instance to one file",
        description="Write database, stored observations, keys and settings to one file, also while the server runs. "
        "The file holds keys: keep it as you keep those. Refused beside a restore or an upgrade.",
    )
    backup.add_argument("file", type=named, metavar="FILE", help="file to write, for instance tocsin.tar.zst")
    add_json_option(backup)
    backup.set_defaults(run=run_backup)
    restore = commands.add_parser("restore", help="put the instance of a backup in place, with the server stopped")
    restore.add_argument("file", type=named, metavar="FILE", help="file that `tocsin backup` wrote")
    restore.add_argument("--force", action="store_true", help="move aside what is in the data directory")
    add_json_option(restore)
    restore.set_defaults(run=run_restore)


def run_backup(options: argparse.Namespace) -> int:
    """Back up."""
    from tocsin.kernel.clock import now
    from tocsin.site import instance
    from tocsin.site.backups.writing import back_up
    from tocsin.site.config import load
    from tocsin.site.starting import GONE, is_gone, read_on_full_disk, require_answer, set_up_django

    config = load()
    instance.stay_at_work(config.home)
    set_up_django()
    read_on_full_disk()  # onto another disk
    require_answer()
    if is_gone(config.store):
        raise Conflict(GONE)
    contents = back_up(config, options.file.absolute(), at=now())
    size_bytes = options.file.stat().st_size
    whole = "." if not contents.lacks else f", but not whole: {counted(len(contents.lacks), 'file')} of the store lost."
    sentence = f"Wrote {options.file}: {counted(len(contents.members), 'file')}, {size_bytes / 1e6:.1f} MB{whole}"
    data = {"file": str(options.file), "files": len(contents.members), "bytes": size_bytes}
    answer(options, sentence, {**data, "lacks": list(contents.lacks)})
    return _told(contents.lacks, "Keep the backups before this one. `tocsin doctor` says what mends the store.")


def run_restore(options: argparse.Namespace) -> int:
    """Restore."""
    from tocsin import __version__
    from tocsin.kernel.clock import now
    from tocsin.site.backups.reading import restore
    from tocsin.site.config import load
    from tocsin.site.starting import set_up_django

    set_up_django()
    config = load()
    contents = restore(config, options.file, force=options.force, at=now())
    older = " Now run: tocsin upgrade" if contents.version != __version__ else ""
    sentence = f"Restored {config.home} as it was at {contents.made_at} (version {contents.version}).{older}"
    data = {"home": str(config.home), "made_at": contents.made_at, "version": contents.version}
    answer(options, sentence, {**data, "lacks": list(contents.lacks)})
    return _told(contents.lacks, "They were so when the backup was written. `tocsin doctor` says what mends the store.")


def _told(lacks: Sequence[str], advice: str) -> int:
    """Name the files that a backup lacks on standard error; return the exit code: 1 when there is one."""
    for file in lacks[:MOST_NAMED]:
        print(f"tocsin: {file} is missing or damaged.", file=sys.stderr)
    if len(lacks) > MOST_NAMED:
        print(f"tocsin: so are {len(lacks) - MOST_NAMED} more.", file=sys.stderr)
    if lacks:
        print(f"tocsin: {advice}", file=sys.stderr)
    return 1 if lacks else 0
