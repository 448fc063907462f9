"""Instances in every state that a picture shows, each set up in a folder of its own and served on a free port."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from tools.pictures.pseudo import compile_pseudo_arabic
from tools.pictures.wearing import worn

ROOT = Path(__file__).resolve().parents[2]
TODAY = "2026-11-22"
"""Last day of the demonstration: the same in all pictures, whenever they are taken."""
SCENES = ("demo", "exercise", "worn", "fresh", "away")
"""In the order in which they are set up: the first three are one demonstration; of the last the database is away."""
LANGUAGES = ("en", "fr", "ar")
"""Languages of the instances. The last is nobody's: English in Arabic letters, to be seen from right to left."""
LONGEST_S = 180.0
"""How long an instance may take until it answers."""

Tell = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Instance:
    """A served instance, and how one gets in."""

    base: str
    """Its address: http://localhost:8000."""
    sign_in: str = ""
    """One-time link of a demonstration."""
    member: str = ""
    """The same for a member of one of its organisations."""
    enrol: tuple[str, ...] = ()
    """One-time links to enrol by, each for one of `LANGUAGES`; the last is an observer's."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A folder for data directories and what the commands write beside them."""

    folder: Path
    tell: Tell

    def home(self, name: str) -> Path:
        """Return a data directory, which may not be there yet."""
        return self.folder / name

    def environment(self, home: Path, **settings: str) -> dict[str, str]:
        """Return the surroundings of a command: this checkout's product, and nobody else's settings."""
        known = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
        path = os.pathsep.join(filter(None, [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH")]))
        ours = {"PYTHONPATH": path, "TMPDIR": str(self.folder), "TOCSIN_HOME": str(home)}
        ours |= {"DJANGO_SETTINGS_MODULE": "tools.pictures.settings", "PICTURES_LOCALE": str(self.locale)}
        return {**known, **ours, **settings}

    @property
    def locale(self) -> Path:
        """Where the catalogue of the language is that only these instances speak."""
        return self.folder / "locale"


def in_turn(wanted: Collection[str], tell: Tell) -> Iterator[tuple[str, Instance]]:
    """Yield each wanted scene while its instance is served. Raises RuntimeError when one cannot be set up.

    Processes end and folders go when the next one is asked for, or the generator is closed.
    """
    with tempfile.TemporaryDirectory(prefix="tocsin-pictures-") as folder:
        place = Place(Path(folder), tell)
        compile_pseudo_arabic(place.locale)
        for name in SCENES:
            if name in wanted:
                tell(f"{name}: setting up")
                with _SET_UP[name](place) as instance:
                    yield name, instance


@contextlib.contextmanager
def _demonstration(place: Place, **settings: str) -> Iterator[Instance]:
    """Load Meridia, unless that was done, and serve it."""
    home, port = place.home("meridia"), free_port()
    words = ("demo", "--home", str(home), "--port", str(port), "--today", TODAY, "--json")
    with _served(place, place.environment(home, **settings), port, *words) as printed:
        links = json.loads(printed.read_text(encoding="utf-8").splitlines()[0])
        link = links["sign_in"]
        yield Instance(link.partition("/sign-in")[0], sign_in=link, member=links["sign_in_member"])


@contextlib.contextmanager
def _exercise(place: Place) -> Iterator[Instance]:
    with _demonstration(place, TOCSIN_EXERCISE="yes") as instance:
        yield instance


@contextlib.contextmanager
def _worn(place: Place) -> Iterator[Instance]:
    home = place.home("meridia")
    with _demonstration(place) as instance, worn(home, place.folder, place.environment(home)):
        yield instance


@contextlib.contextmanager
def _fresh(place: Place) -> Iterator[Instance]:
    """Set up an instance into which nothing was read, with people who have yet to enrol."""
    home, port = place.home("fresh"), free_port()
    environment = place.environment(home, TOCSIN_PORT=str(port), TOCSIN_TEAM_NAME="CIRT Meridia")
    roles = ("analyst", "observer")
    people = [("user", "create", "--email", f"{r}@cirt.example", "--name", "Amal Serrat", "--role", r) for r in roles]
    links = [_json(environment, *words)["enrolment"] for words in (("init",), *people)]
    with _served(place, environment, port, "serve"):
        yield Instance(f"http://localhost:{port}", enrol=tuple(links))


@contextlib.contextmanager
def _away(place: Place) -> Iterator[Instance]:
    """Set up an instance beside a database server, and take that away while it is served."""
    home, port = place.home("away"), free_port()
    with _database(place) as (url, take_away):
        settings = {"TOCSIN_PORT": str(port), "TOCSIN_TEAM_NAME": "CIRT Meridia", "TOCSIN_DATABASE_URL": url}
        environment = place.environment(home, **settings)
        _json(environment, "init")
        with _served(place, environment, port, "serve"):
            take_away()
            yield Instance(f"http://localhost:{port}")


@contextlib.contextmanager
def _database(place: Place) -> Iterator[tuple[str, Callable[[], object]]]:
    """Run a database server; yield its address, and what ends it before its time."""
    said = place.folder / "database.err"
    command = [str(ROOT / "tools/with-postgres"), "sh", "-c", 'echo "$TOCSIN_DATABASE_URL"; exec cat']
    with said.open("w") as err:
        server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err, text=True, start_new_session=True
        )
    try:
        if not (url := server.stdout.readline().strip() if server.stdout else ""):
            raise RuntimeError(f"There is no database server to be taken away:\n{said.read_text(encoding='utf-8')}")
        yield url, lambda: server.communicate(timeout=LONGEST_S)  # it ends when nothing more can be said to it
    finally:
        if server.poll() is None:
            server.communicate(timeout=LONGEST_S)


_SET_UP: Mapping[str, Callable[[Place], contextlib.AbstractContextManager[Instance]]] = {
    "demo": _demonstration,
    "exercise": _exercise,
    "worn": _worn,
    "fresh": _fresh,
    "away": _away,
}


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "tocsin", *words]


def _json(environment: Mapping[str, str], *words: str) -> dict[str, str]:
    """Run a command to its end; return the object that it prints."""
    done = subprocess.run(_command(*words, "--json"), env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`tocsin {' '.join(words)}` failed:\n{done.stderr}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


@contextlib.contextmanager
def _served(place: Place, environment: Mapping[str, str], port: int, *words: str) -> Iterator[Path]:
    """Run a command that serves until its time is over; yield the file with what it printed."""
    printed, said = place.folder / f"{port}.out", place.folder / f"{port}.err"
    with printed.open("w") as out, said.open("w") as err:
        # A session of its own: Ctrl-C reaches us alone, and we stop it.
        server = subprocess.Popen(_command(*words), env=environment, stdout=out, stderr=err, start_new_session=True)
    try:
        _wait(server, f"http://127.0.0.1:{port}/health", said)
        yield printed
    finally:
        _stop(server)


def _wait(server: subprocess.Popen[bytes], address: str, said: Path) -> None:
    until = time.monotonic() + LONGEST_S
    while not _answers(address):
        if server.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"The instance does not answer at {address}:\n{said.read_text(encoding='utf-8')}")
        time.sleep(0.2)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End an instance as an administrator does, and by force when that is not enough."""
    server.terminate()
    try:
        server.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
