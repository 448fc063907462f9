"""The mappings in force: our own, the publisher's schema if one was loaded, the operator's mapping files.

They stand as files in the data directory (`schema/`, `mappings/`), so that the pure
commands can read the same ones.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from tocsin.feeds.reasons import MEND
from tocsin.formats import shadowserver
from tocsin.formats.delimited import Feed, content_of, read_feed, shipped_feeds
from tocsin.formats.shadowserver import Mappings, Schema
from tocsin.kernel.names import readable
from tocsin.kernel.refusals import InvalidInput

if TYPE_CHECKING:
    from tocsin.formats.recognition import Recognition

FOLDER = "mappings"
SCHEMA, SCHEMA_LAST = "schema", "schema.last"
"""Where the schema stands, and where the one before it stands while `schemas.load` swaps them."""
DIGESTS = "SHA256SUMS"
"""Beside the files of a schema: their digests when they were loaded."""
LOAD_AGAIN = "Load the schema again: tocsin feed schema load intelmq.json reports.json"


def recognition() -> Recognition:
    """Return what knows delivered reports by the mappings in force. Raises InvalidInput."""
    home: Path = settings.TOCSIN.home
    return _recognition(home, _stamps(home))


def current() -> Mappings:
    """Return the mappings in force. Raises InvalidInput. Light enough for a page."""
    home: Path = settings.TOCSIN.home
    return _mappings(home, _stamps(home))


def own_feeds(home: Path) -> tuple[Feed, ...]:
    """Return the feeds that the operator's mapping files describe. Raises InvalidInput, naming the file."""
    feeds: dict[str, Feed] = {}
    for path in _own_files(home):
        feed = _own_feed(path)
        if feed.mapping.type in feeds:
            raise InvalidInput(f"two files describe the feed {feed.mapping.type}.", where=_place(path), remedy=MEND)
        feeds[feed.mapping.type] = feed
    return tuple(feeds.values())


def _own_files(home: Path) -> list[Path]:
    return sorted((home / FOLDER).glob("*.toml"))


def _own_feed(path: Path) -> Feed:
    try:
        return read_feed(content_of(path), _place(path))
    except OSError as error:
        raise InvalidInput(f"cannot be read ({error.strerror}).", where=_place(path), remedy=MEND) from error
    except InvalidInput as fault:
        raise InvalidInput(fault.problem, where=fault.where, remedy=MEND) from fault


def _place(path: Path) -> str:
    return f"{FOLDER}/{readable(path.name)}"


def faults(home: Path) -> list[InvalidInput]:
    """Return what is wrong with the mapping files and the schema of a data directory, each naming its file."""
    own = [functools.partial(_own_feed, path) for path in _own_files(home)]
    reads: list[Callable[[], object]] = [*own, functools.partial(own_feeds, home), functools.partial(in_force, home)]
    found: list[InvalidInput] = []
    for read in reads:
        try:
            read()
        except InvalidInput as fault:
            found.append(fault)
    return list({str(fault): fault for fault in found}.values())


def folder_in_force(home: Path) -> Path:
    """Return the folder of the schema in force; it may not exist. While a load swaps folders, the last one."""
    folder = home / SCHEMA
    return home / SCHEMA_LAST if not folder.is_dir() and (home / SCHEMA_LAST).is_dir() else folder


def in_force(home: Path) -> Schema | None:
    """Return the published schema in force, None when there is none. Raises InvalidInput."""
    folder = folder_in_force(home)
    files = files_in(folder)
    _require_loaded(folder, files)
    return shadowserver.read_schema_files(files) if files else None


def sums(files: Mapping[str, bytes]) -> bytes:
    """Return what `DIGESTS` holds for schema files: what `sha256sum` prints."""
    lines = (f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    return "".join(lines).encode()


def _require_loaded(folder: Path, files: Mapping[str, bytes]) -> None:
    """Raise InvalidInput when files are not those that were loaded: one changed byte may read a column as another."""
    try:
        loaded = (folder / DIGESTS).read_bytes().splitlines()
    except FileNotFoundError:  # an earlier version loaded them
        return
    found = sums(files).splitlines()
    if loaded != found:
        changed = {line.decode("utf-8", "replace")[66:] for line in {*found} - {*loaded}} & {*files}
        name = min(changed, default=DIGESTS)
        raise InvalidInput("it is not as it was loaded.", where=f"{SCHEMA}/{readable(name)}", remedy=LOAD_AGAIN)


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the schema files of a folder, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.json"))} if folder.is_dir() else {}


@functools.lru_cache(maxsize=2)
def _recognition(home: Path, _files: tuple[tuple[str, int, int], ...]) -> Recognition:
    from tocsin.formats.recognition import Recognition  # it reads, with PyArrow

    return Recognition(_mappings(home, _files), _feeds(home))


@functools.lru_cache(maxsize=2)
def _mappings(home: Path, _files: tuple[tuple[str, int, int], ...]) -> Mappings:
    return shadowserver.mappings(in_force(home), [feed.mapping for feed in _feeds(home)])


def _feeds(home: Path) -> list[Feed]:
    """Own mapping files come first, then those that come with the product, by the names of their feeds."""
    described = {feed.mapping.type: feed for feed in own_feeds(home)}
    return [*described.values(), *(feed for name, feed in shipped_feeds().items() if name not in described)]


def _stamps(home: Path) -> tuple[tuple[str, int, int], ...]:
    """Return what changes when a file of the mappings does."""
    schema = folder_in_force(home)
    files = [*schema.glob("*.json"), *schema.glob(DIGESTS), *(home / FOLDER).glob("*.toml")]
    return tuple(_stamp(path) for path in sorted(files))


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        about = path.stat()
    except OSError:  # a link that leads nowhere: whoever reads it will say so
        return str(path), 0, 0
    return str(path), about.st_mtime_ns, about.st_size
