"""A feed described by a file: how its records are read, and what its columns mean.

The file is TOML; `data/feeds/` holds ready ones. A refusal names the file, the
table and the key of each mistake that can be told apart.
"""

from __future__ import annotations

import codecs
import dataclasses
import datetime as dt
import fnmatch
import functools
import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from tocsin.engine.convert import CONVERSIONS, BadCell, for_kind
from tocsin.engine.forms import FORMS
from tocsin.engine.mapping import TIME, Field, Mapping, Roles
from tocsin.engine.shapes import Shape
from tocsin.formats.idf.dictionary import EXTRA, classified, is_well_formed, keys, kind_of
from tocsin.formats.tables import Delimited, JsonLines, Records
from tocsin.kernel import rsit
from tocsin.kernel.names import WITHIN
from tocsin.kernel.reference_data import DATA
from tocsin.kernel.refusals import InvalidInput
from tocsin.kernel.severity import Severity

ORIGIN = "file"
MAX_BYTES = 2**20
SHAPES = ("delimited", "json-lines")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}\Z")
_TABLES = {"feed", "read", "fields", "constants", "roles"}
_FEED = {"name", "title", "files", "shape", "time_format", "severity"}
_READ = {"delimiter", "columns", "comment", "skip_lines", "encoding"}
_TUPLES = {"names", "urls", "detail", "instead"}
_KINDS = {"source.fqdn": "fqdn", "source.url": "url", "source.network": "network"}
_ROLES = {field.name for field in dataclasses.fields(Roles)}
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Reading:
    """How records are read from the bytes."""

    shape: str
    """`delimited` or `json-lines`."""
    delimiter: str = ","
    """Empty: each line is one cell."""
    columns: tuple[str, ...] = ()
    """Header that the feed lacks; empty when its first row is the header."""
    comment: str = ""
    """Lines that begin with it are no records."""
    skip_lines: int = 0
    encoding: str = "utf-8"

    @property
    def engine_shape(self) -> Shape | None:
        """The shape by which the engine's own reader can read it, without holding it; None when it cannot."""
        plain = self.shape == SHAPES[0] and self.delimiter and not self.comment and not self.skip_lines
        is_utf8 = codecs.lookup(self.encoding).name == "utf-8" and self.delimiter.isascii()
        return Shape(self.delimiter, self.columns) if plain and is_utf8 else None

    def records(self, lines: Iterable[bytes]) -> Records:
        """Return the records in `lines`."""
        if self.shape == "json-lines":
            return JsonLines(lines)
        return Delimited(
            lines,
            delimiter=self.delimiter,
            columns=self.columns,
            comment=self.comment,
            skip_lines=self.skip_lines,
            encoding=self.encoding,
        )


@dataclasses.dataclass(frozen=True)
class Feed:
    """A feed: how to read it and what it means."""

    mapping: Mapping
    reading: Reading
    files: tuple[str, ...] = ()
    """Patterns of the names under which it comes (`botnets-*.csv`); without any, files named like the feed."""

    def covers(self, name: str) -> bool:
        """Say whether a file of that name is one of this feed. Of one in an archive its own name decides, or both."""
        name = name.lower()
        own = name.rpartition(WITHIN)[2]
        if not self.files:
            stem = own.split(".")[0]
            return self.mapping.type in (stem, re.sub(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}-", "", stem).split("-")[0])
        patterns = (pattern.lower() for pattern in self.files)
        return any(fnmatch.fnmatchcase(each, pattern) for pattern in patterns for each in (own, name))


def content_of(path: Path) -> bytes:
    """Return the bytes of a mapping file; of one that is too large only as many as tell that it is. Raises OSError."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def read_feed(data: bytes, where: str) -> Feed:
    """Return the feed that a mapping file describes. Raises InvalidInput, naming `where`, table and key.

    All mistakes are named at once, but for those that may only follow from another.
    """
    file = _File(_toml(data, where), where)
    feed = file.table("feed", _FEED)
    name = file.attempt(lambda: file.name(feed), "")
    title = file.attempt(lambda: file.optional("feed", feed, "title", str, name), "")
    time_format = file.attempt(lambda: file.time_format(feed), "")
    before = len(file.mistakes)
    fields = file.attempt(lambda: file.fields(time_format), ())
    is_clear = len(file.mistakes) == before
    constants = file.attempt(file.constants, ())
    # Which columns have which part follows from the fields: of those nothing can be said while some are wrong.
    roles = file.attempt(lambda: file.roles(fields), Roles()) if is_clear else Roles()
    severity = file.attempt(lambda: file.severity(feed), Severity.C5)
    reading = file.attempt(lambda: file.reading(feed), Reading(SHAPES[0]))
    files = file.attempt(lambda: file.texts("feed", feed, "files", "patterns of file names"), ())
    mapping = Mapping(
        type=name,
        title=title,
        fields=fields,
        constants=constants,
        roles=roles,
        severity=severity,
        origin=ORIGIN,
        columns=tuple(dict.fromkeys(field.column for field in fields)),
    )
    file.refuse_mistakes()
    file.check_columns(mapping, reading)
    return Feed(mapping, reading, files)


def shipped_feeds() -> dict[str, Feed]:
    """Return the feeds that come with the product, by name."""
    folder: Path = DATA / "feeds"
    feeds = [read_feed(content_of(path), path.name) for path in sorted(folder.glob("*.toml"))]
    return {feed.mapping.type: feed for feed in feeds}


def _toml(data: bytes, where: str) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"is larger than {MAX_BYTES:,} bytes.", where=where)
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidInput(f"is not UTF-8 text (byte {error.start}).", where=where) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidInput(f"is not TOML: {error}.", where=where) from None


class _File:
    """The tables of one mapping file, checked as they are asked for."""

    def __init__(self, tables: dict[str, Any], where: str) -> None:
        self.tables, self.where = tables, where
        self.mistakes: list[InvalidInput] = []
        for name in sorted(tables.keys() - _TABLES):
            self.note(InvalidInput(f"There is no table [{name}]; there are {_listed(_TABLES)}.", where=where))

    def note(self, mistake: InvalidInput) -> None:
        """Keep a mistake, to go on looking for others. A table that is looked at twice has it once."""
        if str(mistake) not in map(str, self.mistakes):
            self.mistakes.append(mistake)

    def attempt(self, read: Callable[[], T], otherwise: Any) -> T:
        """Return what is read, or something in its place when it is refused, which is noted."""
        try:
            return read()
        except InvalidInput as mistake:
            self.note(mistake)
            return otherwise  # type: ignore[no-any-return]  # of the type that was to be read

    def refuse_mistakes(self) -> None:
        """Raise InvalidInput when there are mistakes: the one, or all of them one after another."""
        if len(self.mistakes) == 1:
            raise self.mistakes[0]
        if self.mistakes:
            raise InvalidInput(" ".join(map(str, self.mistakes)))

    def refusal(self, table: str, key: str, problem: str) -> InvalidInput:
        return InvalidInput(f"{problem}.", where=f"{self.where}, [{table}] {key}".rstrip())

    def table(self, name: str, allowed: set[str] | None = None) -> dict[str, Any]:
        found = self.tables.get(name, {})
        if not isinstance(found, dict):
            self.note(self.refusal(name, "", "is not a table"))
            return {}
        for key in sorted(found.keys() - allowed) if allowed else ():
            self.note(self.refusal(name, key, f"is not known; there are {_listed(allowed or set())}"))
        return {key: value for key, value in found.items() if not allowed or key in allowed}

    def name(self, feed: dict[str, Any]) -> str:
        """Return what the feed is called."""
        name = self.value("feed", feed, "name", str)
        if not _NAME.match(name):
            raise self.refusal("feed", "name", f"{name[:80]!r} is not a name of small letters, digits and _")
        return name

    def value(self, table: str, values: dict[str, Any], key: str, sort: type[T]) -> T:
        value = values.get(key)
        if not isinstance(value, sort) or isinstance(value, bool):
            raise self.refusal(
                table, key, "is missing" if value is None else f"{value!r} is not {_SORTS[sort.__name__]}"
            )
        return value

    def optional(self, table: str, values: dict[str, Any], key: str, sort: type[T], default: T) -> T:
        return self.value(table, values, key, sort) if key in values else default

    def severity(self, feed: dict[str, Any]) -> Severity:
        """Return how bad a row is unless a column says it. C1, national emergency, is for people to declare."""
        level = self.optional("feed", feed, "severity", int, int(Severity.C5))
        if level not in range(Severity.C2, Severity.C6 + 1):
            raise self.refusal("feed", "severity", f"{level} is not a level from 2 to 6")
        return Severity(level)

    def time_format(self, feed: dict[str, Any]) -> str:
        """Return a format of `datetime.strptime` that reads what it writes; empty for none."""
        found = self.optional("feed", feed, "time_format", str, "")
        try:
            dt.datetime.strptime(_A_TIME.strftime(found), found)  # noqa: DTZ007  # asked whether it can be read, no more
        except ValueError:
            problem = f"{found!r} is no format of a time; write it like %Y-%m-%d %H:%M:%S"
            raise self.refusal("feed", "time_format", problem) from None
        return found

    def texts(self, table: str, values: dict[str, Any], key: str, of: str = "column names") -> tuple[str, ...]:
        found = self.optional(table, values, key, list, [])
        if not all(isinstance(item, str) and item for item in found):
            raise self.refusal(table, key, f"is not a list of {of}")
        return tuple(found)

    def fields(self, time_format: str) -> tuple[Field, ...]:
        entries = self.table("fields")
        if not entries and isinstance(self.tables.get("fields", {}), dict):
            raise self.refusal("fields", "", 'names no field; write "source.ip" = "column"')
        given = self.table("constants")
        read = (
            self.attempt(functools.partial(self.field, key, entry, time_format), None) for key, entry in entries.items()
        )
        return classified(tuple(field for field in read if field), given)

    def field(self, key: str, entry: Any, time_format: str) -> Field:
        if key not in keys() and not (key.startswith(EXTRA) and is_well_formed(key)):
            raise self.refusal("fields", key, 'is not a key of an event; put it under extra, in quotes: "extra.name"')
        column, conversion = (entry, "") if isinstance(entry, str) else self.column(key, entry)
        if not column:
            raise self.refusal("fields", key, "names no column")
        if key == TIME and time_format and not conversion:
            conversion = f"time:{time_format}"
        if conversion and conversion not in CONVERSIONS:
            raise self.refusal(
                "fields", key, f"the conversion {conversion!r} is not known; there are {_listed(CONVERSIONS)}"
            )
        whole = for_kind(conversion, kind_of(key))
        if whole not in CONVERSIONS:
            raise self.refusal("fields", key, f"the conversion {conversion!r} does not make what this key holds")
        return Field(key, column, whole)

    def column(self, key: str, entry: Any) -> tuple[str, str]:
        if not isinstance(entry, dict) or not entry.keys() <= {"column", "conversion"}:
            raise self.refusal("fields", key, "is neither a column nor a table of column and conversion")
        where = f"{key}."
        column = self.value("fields", {where + k: v for k, v in entry.items()}, f"{where}column", str)
        return column, self.optional("fields", entry, "conversion", str, "")

    def constants(self) -> tuple[tuple[str, str], ...]:
        entries = self.table("constants")
        before = len(self.mistakes)
        held = {key: self.attempt(functools.partial(self.constant, key, entries), "") for key in entries}
        if len(self.mistakes) > before:
            return ()
        kind = rsit.resolve(held.get("classification.type", rsit.UNDETERMINED))
        taxonomy = held.setdefault("classification.taxonomy", kind.class_name)
        if "classification.type" not in held and taxonomy not in _CLASSES:
            problem = f"{taxonomy!r} is not a class of the taxonomy; there are {_listed(_CLASSES)}"
            raise self.refusal("constants", "classification.taxonomy", problem)
        if "classification.type" in held and taxonomy != kind.class_name:
            problem = f"{taxonomy!r} is not the class of {kind.name}, which is {kind.class_name}"
            raise self.refusal("constants", "classification.taxonomy", problem)
        held.setdefault("classification.type", kind.name)
        return tuple(sorted(held.items()))

    def constant(self, key: str, entries: dict[str, Any]) -> str:
        value = self.value("constants", entries, key, str)
        if key not in keys() and not (key.startswith(EXTRA) and is_well_formed(key)):
            raise self.refusal("constants", key, "is not a key of an event")
        if key == "classification.type" and value not in rsit.types():
            raise self.refusal(
                "constants", key, f"{value!r} is not a type of the taxonomy; there are {_listed(rsit.types())}"
            )
        try:
            return str(CONVERSIONS[kind_of(key) or "raw"](value) or "")
        except BadCell as bad:
            raise self.refusal("constants", key, bad.reason) from None

    def roles(self, fields: tuple[Field, ...]) -> Roles:
        entries = self.table("roles", _ROLES)
        derived = _derived(fields)
        before = len(self.mistakes)
        given: dict[str, Any] = {
            key: self.attempt(functools.partial(self.role, key, entries), "") for key in entries if key != "kinds"
        }
        if len(self.mistakes) > before:
            return Roles()
        roles = Roles(**(derived | given))
        roles = dataclasses.replace(roles, kinds=self.kinds(fields, roles, entries))
        if not (roles.address or roles.account):
            raise self.refusal(
                "roles", "address", "no column says which asset a row is about; name an address or account"
            )
        return roles

    def role(self, key: str, entries: dict[str, Any]) -> str | tuple[str, ...]:
        return self.texts("roles", entries, key) if key in _TUPLES else self.value("roles", entries, key, str)

    def kinds(self, fields: tuple[Field, ...], roles: Roles, entries: dict[str, Any]) -> tuple[tuple[str, str], ...]:
        """Return of which kind accounts and details are: as the file says, else as the key of their column is."""
        columns = tuple(filter(None, (roles.account, *roles.instead, *roles.detail)))
        given = self.optional("roles", entries, "kinds", dict, {})
        for column, kind in given.items():
            if column not in columns:
                raise self.refusal("roles", f"kinds.{column}", "is no column of account, instead or detail")
            if kind not in FORMS:
                raise self.refusal("roles", f"kinds.{column}", f"{kind!r} is not known; there are {_listed(FORMS)}")
        derived = {field.column: _KINDS[field.key] for field in fields if field.key in _KINDS}
        kinds = {column: derived[column] for column in columns if column in derived} | given
        return tuple(kinds.items())

    def reading(self, feed: dict[str, Any]) -> Reading:
        entries = self.table("read", _READ)
        return Reading(
            shape=self.attempt(lambda: self.shape(feed), SHAPES[0]),
            delimiter=self.attempt(lambda: self.delimiter(entries), ","),
            columns=self.attempt(lambda: self.header(entries), ()),
            comment=self.attempt(lambda: self.optional("read", entries, "comment", str, ""), ""),
            skip_lines=self.attempt(lambda: self.skip_lines(entries), 0),
            encoding=self.attempt(lambda: self.encoding(entries), "utf-8"),
        )

    def shape(self, feed: dict[str, Any]) -> str:
        shape = self.optional("feed", feed, "shape", str, SHAPES[0])
        if shape not in SHAPES:
            raise self.refusal("feed", "shape", f"{shape!r} is not known; there are {_listed(SHAPES)}")
        return shape

    def delimiter(self, entries: dict[str, Any]) -> str:
        delimiter = self.optional("read", entries, "delimiter", str, ",")
        if len(delimiter) > 1 or delimiter in ("\n", "\r", '"'):
            raise self.refusal("read", "delimiter", f"{delimiter!r} is not one character")
        return delimiter

    def skip_lines(self, entries: dict[str, Any]) -> int:
        skip_lines = self.optional("read", entries, "skip_lines", int, 0)
        if skip_lines < 0:
            raise self.refusal("read", "skip_lines", f"{skip_lines} is less than none")
        return skip_lines

    def check_columns(self, mapping: Mapping, reading: Reading) -> None:
        """Refuse a column that the feed does not have, where the file says which it has."""
        if not reading.columns:
            return
        for field in mapping.fields:
            if field.column not in reading.columns:
                raise self.refusal("fields", field.key, f"{field.column!r} is none of the columns of [read]")
        for role in dataclasses.fields(Roles):
            named = getattr(mapping.roles, role.name)
            for column in (named,) if isinstance(named, str) else named if role.name in _TUPLES else ():
                if column and column not in reading.columns:
                    raise self.refusal("roles", role.name, f"{column!r} is none of the columns of [read]")

    def header(self, entries: dict[str, Any]) -> tuple[str, ...]:
        columns = self.texts("read", entries, "columns")
        for number, column in enumerate(columns):
            if column in columns[:number]:
                raise self.refusal("read", "columns", f"names {column!r} twice")
        return columns

    def encoding(self, entries: dict[str, Any]) -> str:
        """Return an encoding in which ASCII stands for itself: lines are told apart before they are decoded."""
        name = self.optional("read", entries, "encoding", str, "utf-8")
        try:
            is_text = _ASCII.encode("ascii").decode(name) == _ASCII
        except (LookupError, ValueError):
            is_text = False
        if not is_text:
            problem = f"{name[:40]!r} is not known, or writes ASCII otherwise; utf-8, latin-1 or windows-1252 would do"
            raise self.refusal("read", "encoding", problem)
        return name


def _derived(fields: tuple[Field, ...]) -> dict[str, Any]:
    """Roles that the fields imply. A port is none of them: only who knows the feed can say whether it lasts."""
    at = {field.key: field.column for field in fields}
    derived: dict[str, Any] = {
        "time": at.get(TIME, ""),
        "address": at.get("source.ip", ""),
        "asn": at.get("source.asn", ""),
        "country": at.get("source.geolocation.cc", ""),
        "names": tuple(at[key] for key in ("source.fqdn",) if key in at),
        "urls": tuple(at[key] for key in ("source.url",) if key in at),
    }
    if not derived["address"]:
        accounts = ("source.fqdn", "source.url", "source.network", "source.account")
        derived["account"] = next((at[key] for key in accounts if key in at), "")
    return derived


_CLASSES = frozenset(rsit.classes())
_A_TIME = dt.datetime(2026, 11, 16, 1, 2, 3, tzinfo=dt.UTC)
_ASCII = "".join(map(chr, range(128)))
_SORTS = {"str": "text", "int": "a whole number", "list": "a list", "dict": "a table"}


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
