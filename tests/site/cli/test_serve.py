"""`tocsin serve`, with real processes and a real socket."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.commands import Command, environment


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def serving(
    home: Path, *arguments: str, patient: Mapping[str, str] | None = None, **settings: str | Path
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running server and its address; stopped afterwards whatever happens."""
    port = free_port()
    command = [sys.executable, "-m", "tocsin", "serve", "--port", str(port), *arguments]
    surroundings = {**environment(home, **settings), **(patient or {})}
    process = subprocess.Popen(command, env=surroundings, stderr=subprocess.PIPE, text=True)
    scheme = "https" if "tls_cert" in settings else "http"
    try:
        yield process, f"{scheme}://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(40)
        assert process.stderr
        process.stderr.close()


def health(address: str, trusted: Path | None = None, seconds: float = 60) -> dict[str, object]:
    """Ask for /health until it answers."""
    context = ssl.create_default_context(cafile=trusted) if trusted else None
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=30, context=context) as answer:
                body: dict[str, object] = json.load(answer)
                return body
        except (ConnectionError, TimeoutError, urllib.error.URLError):
            assert time.monotonic() < deadline, "the server did not answer in time"
            time.sleep(0.05)


def test_serve_answers_survives_the_loss_of_the_web_part_and_stops_cleanly(tocsin: Command, ready: Path) -> None:
    with serving(ready) as (process, address):
        assert health(address)["ok"] is True

        family = psutil.Process(process.pid).children(recursive=True)
        web = next(child for child in family if "gunicorn" in " ".join(child.cmdline()))
        assert sum(child.memory_full_info().pss for child in family) < 250e6
        web.kill()
        assert health(address)["ok"] is True

        restore = tocsin("restore", ready / "none.tar.zst", "--force")
        assert "Stop `tocsin serve` first" in restore.stderr

        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert not [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_what_was_killed_as_a_whole_answers_again_at_once(ready: Path) -> None:
    with serving(ready) as (process, address):
        assert health(address)["ok"] is True
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for each in family:
            each.kill()
        process.wait(30)
    with serving(ready) as (process, address):
        assert health(address)["ok"] is True
        again = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        assert sum(sum(each.cpu_times()[:4]) for each in again) < 5, "seconds of the processor until the first answer"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def _end_of_command(process: psutil.Process) -> list[str]:
    """Return the last word of what a process is; nothing of one that has just ended."""
    try:
        return process.cmdline()[-1:]
    except psutil.NoSuchProcess:  # a zombie is one, too
        return []


def _parts_of(process: subprocess.Popen[str]) -> list[str]:
    """Return the modules that a server has started, without the look whether its database is ready."""
    started = [_end_of_command(child) for child in psutil.Process(process.pid).children()]
    # One that has been forked and is not yet the program it becomes still bears the words of the server.
    return [module for (module,) in filter(None, started) if "." in module and not module.endswith(".readiness")]


def test_the_worker_can_run_apart(tocsin: Command, ready: Path) -> None:
    with serving(ready, "--only", "worker") as (process, address):
        deadline = time.monotonic() + 30
        while not (family := _parts_of(process)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert family == ["tocsin.site.serving.worker"]
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(address, timeout=1)


def test_serve_speaks_tls_itself(ready: Path, tls_pair: tuple[Path, Path]) -> None:
    certificate, key = tls_pair
    with serving(ready, tls_cert=certificate, tls_key=key, bind="0.0.0.0") as (_process, address):
        assert health(address, certificate)["ok"] is True


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [({"bind": "0.0.0.0"}, "TOCSIN_TLS_CERT"), ({"bind": "nowhere"}, "TOCSIN_BIND"), ({"port": "x"}, "TOCSIN_PORT")],
)
def test_serve_refuses_what_would_be_unsafe_or_meaningless(
    ready: Path, tocsin: Command, settings: dict[str, str], sentence: str
) -> None:
    done = tocsin("serve", **settings)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_serve_refuses_a_database_that_lacks_steps(ready: Path, tocsin: Command) -> None:
    with closing(sqlite3.connect(ready / "tocsin.sqlite3")) as connection, connection:
        connection.execute("DELETE FROM django_migrations WHERE app = 'jobs'")
    done = tocsin("serve", port=str(free_port()))
    assert done.returncode == 1
    assert done.stderr == "tocsin: The database lacks 1 step of this version. Run `tocsin upgrade` first.\n"


def test_serve_starts_before_its_database_and_says_so(ready: Path) -> None:
    with serving(ready, "--only", "worker", database_url="postgresql://x@127.0.0.1:1/x") as (process, _address):
        assert process.stderr
        assert "the database does not answer yet" in process.stderr.readline()


def test_serve_refuses_what_is_not_set_up(tocsin: Command) -> None:
    done = tocsin("serve")
    assert done.returncode == 1
    assert "tocsin init" in done.stderr
