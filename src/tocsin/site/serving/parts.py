"""The two parts of a running instance: web (gunicorn) and worker (the jobs room)."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tocsin.site import instance
from tocsin.site.config import Config
from tocsin.site.serving.addresses import Listening, check_free, listening
from tocsin.site.serving.readiness import require_steps
from tocsin.site.serving.supervisor import Part, say, supervise

WEB, WORKER = "web", "worker"
WEB_PROCESSES = 2
WEB_THREADS = 4
LONGEST_REQUEST_S = 60


def serve(config: Config, only: str | None = None, remark: str = "") -> int:
    """Run the parts of the instance until told to stop; return the exit code. The remark is said beside the address.

    Raises Conflict when the instance, its database or the address is not fit, InvalidInput
    for TLS files that cannot be used, Unavailable when the port is taken.
    """
    instance.require_ready(config.home)
    where = listening(config)
    with instance.serving_lock(config.home, alone=False):
        if only != WORKER:
            check_free(where)
        if amiss := require_steps(_environment(config), pages=only != WORKER):
            say(amiss)
        if only != WORKER:
            instance.note_address(config.home, where.url)
            say(f"serving {where.url}. Stop with Ctrl-C.")
            if remark:
                say(remark)
        return supervise([part for part in parts(config, where) if only in (None, part.name)])


def parts(config: Config, where: Listening) -> list[Part]:
    """Return the parts, not yet started."""
    environment = _environment(config)
    return [
        Part(WEB, web_command(where), environment),
        Part(WORKER, [sys.executable, "-m", "tocsin.site.serving.worker"], environment),
    ]


def web_command(where: Listening) -> Sequence[str]:
    """Return the command line of the web server."""
    command = [sys.executable, "-m", "gunicorn", "tocsin.site.wsgi:application"]
    command += ["--bind", where.bind, "--worker-class", "gthread", "--no-control-socket", "--log-level", "warning"]
    command += ["--logger-class", "tocsin.site.serving.web_log.Logger"]
    command += ["--workers", str(WEB_PROCESSES), "--threads", str(WEB_THREADS), "--timeout", str(LONGEST_REQUEST_S)]
    # As long as gunicorn takes: pages themselves say of a shorter one that it is too long.
    command += ["--limit-request-line", "8190"]
    command += ["--graceful-timeout", "20", "--forwarded-allow-ips", ",".join(where.trusted_proxies)]
    if Path("/dev/shm").is_dir():  # noqa: S108  # only the workers' signs of life; gunicorn makes the names itself
        command += ["--worker-tmp-dir", "/dev/shm"]  # noqa: S108
    if where.tls_cert:
        command += ["--certfile", str(where.tls_cert), "--keyfile", str(where.tls_key)]
    return command


# The GNU C library keeps what was freed for the threads that had asked for it, for each group of threads apart: with as
# many groups as it likes, a web process that four people ask at once takes 10 MB more, and is no faster.
C_LIBRARY = {"MALLOC_ARENA_MAX": "2"}


def _environment(config: Config) -> dict[str, str]:
    """The children see the same instance wherever they are started from."""
    return {**C_LIBRARY, **os.environ, "TOCSIN_HOME": str(config.home), "PYTHONUNBUFFERED": "1"}
