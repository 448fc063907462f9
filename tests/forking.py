"""Processes for tests that run a command to its end, each forked from one that has loaded what all commands load.

To start Python and to load Django, Arrow and DuckDB costs more than most commands do after it, and the suite runs more
than a thousand. What is forked is a process like any other: with memory, environment, folder and exit code of its own,
and pipes for what it prints. Of ours only what reads no setting has been loaded in it: the pure rooms and the parsers
of the commands. Tests that look at the start itself or send signals start Python anew: `tests.homes.Home.start`,
`subprocess`.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
LOADED = (
    "allauth.core.internal.ratelimit", "cryptography.hazmat.primitives.serialization", "dj_database_url",
    "django.contrib.auth.apps", "django.contrib.auth.password_validation", "django.contrib.humanize.apps",
    "django.contrib.messages.apps", "django.contrib.sites.requests", "django.contrib.staticfiles.apps",
    "django.core.handlers.asgi", "django.core.mail", "django.core.management.commands.migrate",
    "django.db.backends.postgresql.base", "django.db.backends.sqlite3.base", "django.forms",
    "django.middleware.csrf", "django.shortcuts", "django.template.defaulttags", "django.template.loader",
    "django.template.loader_tags", "django.templatetags.i18n", "django.test", "django.views.debug",
    "django.views.generic", "dns.resolver", "fido2.server", "numpy", "psycopg", "pyarrow.compute", "pyarrow.csv",
    "pyarrow.dataset", "pyarrow.parquet", "pydantic.dataclasses", "pydantic.networks", "pysequoia", "qrcode",
    "smtplib", "tarfile", "tomllib",
)  # fmt: skip
"""What commands load besides what is ours."""
OURS = ("tocsin.kernel", "tocsin.engine", "tocsin.formats", "tocsin.reason", "tocsin.site.cli")
"""Of ours, the rooms that read no setting."""
OURS_IN_PART = (
    "audit.events", "audit.recorded", "courier.choices", "courier.connecting", "courier.domains", "courier.events",
    "courier.fetching", "courier.incoming.choices", "courier.incoming.dissecting", "courier.incoming.events",
    "courier.incoming.meaning", "courier.openpgp", "courier.rules", "directory.choices", "directory.events",
    "directory.imports.checking", "directory.imports.records", "directory.rules", "effect.choices", "effect.events",
    "effect.reckoned", "feeds.days", "feeds.episodes", "feeds.events", "feeds.summary", "jobs.choices",
    "notices.choices", "notices.events", "notices.planning", "notices.remedies", "notices.rules", "people.acts",
    "people.choices", "people.events", "people.issuer", "people.rules", "portal.choices", "portal.events",
)  # fmt: skip
"""Of the other rooms, what reads none either: Django, which has none in it, would refuse the rest."""
READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_")
"""Variables that count when Python starts: who has others is forked from another process."""
LONGEST_BYTES = 1 << 20
"""Of what is asked for."""


def run(
    words: Sequence[str], environment: Mapping[str, str], *, given: str = "", timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run `python WORDS…`, which are `-m MODULE …` or `-c CODE …`, to its end; `given` is its standard input.

    Raises subprocess.TimeoutExpired, after killing it, when it takes too long.
    """
    with tempfile.TemporaryFile() as stdin:
        stdin.write(given.encode())
        stdin.seek(0)
        process = Process(words, environment, stdin=stdin)
        try:
            printed = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
    assert process.returncode is not None
    return subprocess.CompletedProcess(process.args, process.returncode, *printed)


class Process:
    """`python WORDS…`, which are `-m MODULE …` or `-c CODE …`, while it runs: like subprocess.Popen with pipes."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], *, stdin: IO[bytes] | None = None) -> None:
        self.args = [sys.executable, *words]
        self.returncode: int | None = None
        self._reply, to_reply = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        (out, to_out), (err, to_err), (from_in, into) = (os.pipe() for _ in range(3))
        theirs = (stdin.fileno() if stdin else from_in, to_out, to_err, to_reply.fileno())
        _parent_for(environment).fork(words, environment, theirs)
        for end in (from_in, to_out, to_err):
            os.close(end)
        to_reply.close()
        self.stdout, self.stderr, self.stdin = os.fdopen(out), os.fdopen(err), os.fdopen(into, "w")
        self.pid = int(self._reply.recv(20) or "0")
        assert self.pid, "the process that forks has ended: see what it said on standard error"

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; return what it printed, on either way.

        Raises subprocess.TimeoutExpired when it takes longer; it may be asked again then.
        """
        if self.returncode is not None:
            return "", ""
        readers = ThreadPoolExecutor(2)
        printed = [readers.submit(end.read) for end in (self.stdout, self.stderr)]
        readers.shutdown(wait=False)
        self._reply.settimeout(timeout)
        try:
            self.returncode = int(self._reply.recv(20))
        except TimeoutError:
            raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
        out, err = (future.result() for future in printed)
        with contextlib.suppress(BrokenPipeError):  # of what it has not read
            self.stdin.close()
        for end in (self._reply, self.stdout, self.stderr):
            end.close()
        return out, err


class Parent:
    """A process that forks on demand, with one environment as far as Python reads it when it starts."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        neutral = {name: value for name, value in environment.items() if not name.startswith(("TOCSIN_", "DJANGO_"))}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"import tests.forking; tests.forking.serve({theirs.fileno()})"],
                env={**neutral, "OPENBLAS_NUM_THREADS": "1"},  # as `tocsin.__main__` has it: who forks has one thread
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def fork(self, words: Sequence[str], environment: Mapping[str, str], handles: Sequence[int]) -> None:
        """Ask for a process with these handles: standard input, output, error, and where its end is told."""
        asked = json.dumps([list(words), dict(environment), str(Path.cwd())]).encode()
        socket.send_fds(self._control, [asked], list(handles))

    def end(self) -> None:
        """Let it go: whoever measures the tests counts its time then."""
        self._control.close()
        self._process.wait(60)


_parents: dict[frozenset[tuple[str, str]], Parent] = {}
_one_at_a_time = threading.Lock()


def _parent_for(environment: Mapping[str, str]) -> Parent:
    kind = frozenset(each for each in environment.items() if each[0].startswith(READ_AT_START))
    with _one_at_a_time:
        if kind not in _parents:
            _parents[kind] = Parent(environment)
        return _parents[kind]


def end() -> None:
    """Let all processes go that fork."""
    while _parents:
        _parents.popitem()[1].end()


def serve(control: int) -> None:
    """Fork whatever is asked for until nobody can ask any more. In the process that was forked it runs, and returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    for name in LOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is loaded by now need not be looked through by each, but DuckDB counts what is left of it
    for name in ("duckdb", *_modules_of(OURS), *(f"tocsin.{name}" for name in OURS_IN_PART)):
        importlib.import_module(name)
    children: dict[int, tuple[int, int]] = {}
    waiting = select.poll()
    waiting.register(control, select.POLLIN)
    while True:
        for handle, _ in waiting.poll():
            if handle != control:
                waiting.unregister(handle)
                _tell_end(handle, *children.pop(handle))
                continue
            request, handles = _received(control)
            if not request:
                return
            process = os.fork()
            if not process:
                _end(_code_of(request, handles))
                return
            for each in handles[:3]:
                os.close(each)
            os.write(handles[3], b"%d" % process)
            watched = os.pidfd_open(process)
            children[watched] = process, handles[3]
            waiting.register(watched, select.POLLIN)


def _modules_of(rooms: Sequence[str]) -> Iterator[str]:
    for room in map(importlib.import_module, rooms):
        yield from (module.name for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."))


def _received(control: int) -> tuple[bytes, list[int]]:
    with socket.socket(fileno=control) as end:
        request, handles, _, _ = socket.recv_fds(end, LONGEST_BYTES, 4)
        end.detach()
    return request, handles


def _tell_end(watched: int, process: int, reply: int) -> None:
    """Tell whoever waits the exit code of a process that has ended."""
    _, status = os.waitpid(process, 0)
    with contextlib.suppress(BrokenPipeError):  # it took too long, and nobody waits any more
        os.write(reply, b"%d" % os.waitstatus_to_exitcode(status))
    os.close(reply)
    os.close(watched)


def _code_of(request: bytes, handles: list[int]) -> int:
    """Be the process that was asked for; return its exit code. What else ends it, Python tells as ever."""
    try:
        _become(request, handles)
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise
        return ended.code or 0
    return 0


def _end(code: int) -> None:
    """End as Python does, but for taking apart all that was loaded: a fifth of what a short command costs."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _become(request: bytes, handles: list[int]) -> None:
    """Be the process that was asked for. What has run to its end without an exit code of its own ends with 0."""
    words, environment, folder = json.loads(request)
    for number, handle in enumerate(handles[:3]):
        os.dup2(handle, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.orig_argv = [sys.executable, *words]
    way, what, *rest = words
    if way == "-m":
        sys.argv = [what, *rest]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *rest]
        module = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), module.__dict__)
