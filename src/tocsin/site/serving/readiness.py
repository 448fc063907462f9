"""Whether the database is of this version, and the pages have their style sheets: asked in a process of its own, since
the supervisor loads no Django.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tocsin.kernel.refusals import Conflict, Refusal, Unavailable
from tocsin.site import unusable
from tocsin.site.starting import open_instance

REFUSED = 1
PAGES = "--pages"
LONGEST_S = 60


def require_steps(environment: Mapping[str, str], *, pages: bool) -> str:
    """Refuse with Conflict when the database lacks steps of this version; return what is amiss otherwise, if anything.

    A database that does not answer is no reason not to start: it may come up after us. With `pages` it gathers the
    style sheets, too, and refuses when there is no room for them: the web server would try for ever.
    """
    command = [sys.executable, "-m", "tocsin.site.serving.readiness", *([PAGES] if pages else [])]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LONGEST_S)  # noqa: S603
    except subprocess.TimeoutExpired:
        return "the database does not answer yet; serving all the same."
    if done.returncode == REFUSED:
        raise Conflict(done.stdout.strip() or done.stderr.strip())
    return done.stdout.strip()


def main(arguments: Sequence[str]) -> int:
    """Open the instance; say on standard output why it cannot be served."""
    try:
        _open()
        if PAGES in arguments:
            _gather()
    except Refusal as refusal:
        sys.stdout.write(f"{refusal}\n")
        return REFUSED
    except OSError as error:
        if (said := unusable.sentence(error, Path(os.environ["TOCSIN_HOME"]))) is None:
            raise
        sys.stdout.write(f"{said}\n")
        return REFUSED
    return 0


def _open() -> None:
    from django.db import Error, connection

    try:
        open_instance()
    except Error as error:
        if connection.vendor == "sqlite":  # a file does not come up after us
            raise Unavailable(unusable.sentence(error, Path(os.environ["TOCSIN_HOME"])) or str(error)) from error
        said = unusable.first_line(error)
        sys.stdout.write(f"the database does not answer yet ({said}); serving all the same. See `tocsin doctor`.\n")


def _gather() -> None:
    from tocsin.site.static_files import gathered

    gathered()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
