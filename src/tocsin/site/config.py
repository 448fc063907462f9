"""What an administrator may set: `TOCSIN_…` variables, or the same names in lower case in `tocsin.toml`.

A variable wins over the file. `TOCSIN_…_FILE` names a file that holds the
value, for secrets. docs/reference/settings.md explains each field; a test
compares.
"""

from __future__ import annotations

import dataclasses
import difflib
import errno
import ipaddress
import os
import re
import tomllib
import zoneinfo
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tocsin.courier import mail_servers
from tocsin.kernel import legible
from tocsin.kernel.refusals import InvalidInput
from tocsin.kernel.retention import Retention
from tocsin.kernel.tlp import TLP
from tocsin.site import unusable


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings of one instance."""

    home: Path = Path("var")
    """Data directory: database, store of observations, keys, uploads."""
    database_url: str = ""
    """PostgreSQL or SQLite address; empty for SQLite in the data directory."""
    secret_key: str = ""
    """Signs sessions; empty for a key that `tocsin init` makes in the data directory."""
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    """Host names under which the pages may be asked for."""
    bind: str = "127.0.0.1"
    """Address that `tocsin serve` listens on."""
    port: int = 8000
    """Port that `tocsin serve` listens on."""
    tls_cert: Path | None = None
    """Certificate chain, when `tocsin serve` speaks TLS itself."""
    tls_key: Path | None = None
    """Private key to it."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses of reverse proxies whose forwarded headers are believed."""
    language: str = "en"
    """Language of pages for people who have chosen none and whose browser asks for none of ours."""
    time_zone: str = "UTC"
    """Zone in which pages show instants."""
    team_name: str = "CIRT"
    """Name of the team, shown under the product's name and on documents."""
    team_phone: str = ""
    """Telephone number at which whoever doubts a notice may ask; stands on it and on the page that verifies it."""
    audit_head_to: tuple[str, ...] = ()
    """Addresses outside the house that get each signed head of the audit trail."""
    gone_after: int = 3
    """Complete cycles of its type without it after which a finding is gone."""
    threads: int = 0
    """Threads of the engine; 0 for as many as there are cores, four at most."""
    memory_mb: int = 512
    """Memory that the engine's sorting and grouping may use before it goes to disk."""
    retention_days: int = 0
    """Days that observations are kept; 0 for ever."""
    retention_days_green: int = 0
    """Days for what is marked TLP:GREEN; 0 as for TLP:CLEAR, which `retention_days` says."""
    retention_days_amber: int = 0
    """Days for what is marked TLP:AMBER; 0 as for TLP:GREEN."""
    retention_days_amber_strict: int = 0
    """Days for what is marked TLP:AMBER+STRICT; 0 as for TLP:AMBER."""
    retention_days_red: int = 0
    """Days for what is marked TLP:RED; 0 as for TLP:AMBER+STRICT."""
    notice_people: int = 50
    """So many people a policy writes to without being asked again."""
    exercise: bool = False
    """The whole instance is an exercise: every page says so and nothing leaves."""

    smtp_url: str = dataclasses.field(default="", repr=False)
    """Mail server that takes our mail; empty to send none."""
    mail_from: str = ""
    """Sender of all mail: one address."""
    mail_domain: str = ""
    """Domain whose `bounces+…` and `reply+…` addresses come back to us; empty for none."""
    mail_dkim_selector: str = ""
    """Name under which the mail server's DKIM key is published; empty to try the usual ones."""

    oidc_issuer: str = ""
    """Service by which people may sign in (OpenID Connect); empty for none."""
    oidc_client: str = ""
    """Name under which that service knows this instance."""
    oidc_secret: str = dataclasses.field(default="", repr=False)
    """Secret that it gave with the name."""
    oidc_name: str = ""
    """What people call it; its host name where this is empty."""
    oidc_trusts_acr: tuple[str, ...] = ()
    """Values of `acr` or `amr` by which it says that it asked for two factors: then no second one is asked for here."""
    oidc_addresses: tuple[str, ...] = ()
    """Addresses that are not of the public Internet at which it may be all the same."""

    shadowserver_key: str = dataclasses.field(default="", repr=False)
    """API key that the publisher gave; with it and the secret reports are fetched every hour."""
    shadowserver_secret: str = dataclasses.field(default="", repr=False)
    """Secret that came with the key: signs requests and is never sent."""
    shadowserver_url: str = "https://transform.shadowserver.org/api2/"
    """Where the publisher's API is."""
    shadowserver_downloads: str = "https://dl.shadowserver.org/"
    """Where reports are downloaded; empty to have the API give their rows."""
    shadowserver_reports: tuple[str, ...] = ()
    """Names of the publisher's lists whose reports are fetched; empty for all that the key may see."""

    @property
    def store(self) -> Path:
        """Where the engine keeps its files."""
        return self.home / "store"

    @property
    def retention(self) -> Retention:
        """For how long observations are kept."""
        named = {label: retention_setting(label) for label in TLP}
        return Retention({label: getattr(self, name) for label, name in named.items()})


def retention_setting(label: TLP) -> str:
    """Return the name of the setting that says for how long what is so marked is kept."""
    word = label.value.lower().replace("+", "_")
    return "retention_days" if label is TLP.CLEAR else f"retention_days_{word}"


def load(environment: Mapping[str, str] | None = None) -> Config:
    """Return the configuration from `tocsin.toml` and the environment. Raises InvalidInput naming the setting."""
    config, problems = examine(environment)
    for problem in problems:
        raise problem
    return config


def examine(environment: Mapping[str, str] | None = None) -> tuple[Config, list[InvalidInput]]:
    """Return the configuration, with defaults in place of what cannot be used, and what is wrong with each of that."""
    environment = os.environ if environment is None else environment
    problems: list[InvalidInput] = []
    home = Path(environment.get("TOCSIN_HOME", "var")).absolute()
    path = Path(environment.get("TOCSIN_CONFIG", home / "tocsin.toml"))
    given = _from_file(path, home, problems)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(Config):
        try:
            text = _from_environment(environment, field.name)
            if text is not None or field.name in given:
                values[field.name] = _read(field.name, given[field.name] if text is None else text)
        except InvalidInput as problem:
            problems.append(problem)
    config = dataclasses.replace(Config(**values), home=home)
    found = dict(_faults(config))
    defaults: dict[str, Any] = {
        field.name: field.default for field in dataclasses.fields(Config) if field.name in found
    }
    return dataclasses.replace(config, **defaults), problems + list(found.values())


LANGUAGES = ("en", "fr")
_DATABASES = ("postgres://", "postgresql://", "sqlite://")
RANGES = {
    "port": (1, 65535), "gone_after": (1, 365), "threads": (0, 64), "memory_mb": (128, 65536),
    "notice_people": (1, 1_000_000),
}  # fmt: skip
"""Least and most of settings that are numbers."""
_SHORTEST_KEY = 32


def _faults(config: Config) -> Iterator[tuple[str, InvalidInput]]:
    """Yield the name of each setting with which no instance can run, and why."""
    for name, (least, most) in RANGES.items():
        if not least <= getattr(config, name) <= most:
            words = f"{getattr(config, name)} is not between {least} and {most}."
            yield name, InvalidInput(words, where=f"TOCSIN_{name.upper()}")
    yield from _retention_faults(config)
    yield from _mail_faults(config)
    yield from _sign_in_faults(config)
    if config.language not in LANGUAGES:
        words = f"{config.language!r} is none of {', '.join(LANGUAGES)}."
        yield "language", InvalidInput(words, where="TOCSIN_LANGUAGE")
    if config.database_url and (words := _fault_of_database(config.database_url)):
        # The address may hold a password: it is not shown.
        remedy = "Write postgresql://user@host/name"
        yield "database_url", InvalidInput(words, where="TOCSIN_DATABASE_URL", remedy=remedy)
    if config.secret_key and len(config.secret_key) < _SHORTEST_KEY:
        remedy = "Leave it out, and `tocsin init` makes one."
        words = f"it has fewer than {_SHORTEST_KEY} letters."
        yield "secret_key", InvalidInput(words, where="TOCSIN_SECRET_KEY", remedy=remedy)


_OF_ADDRESSES = frozenset({"currentSchema"})
"""Options of an address that are not libpq's."""


def _fault_of_database(address: str) -> str:
    """Return what is wrong with the address of a database; empty for nothing."""
    if not address.startswith(_DATABASES):
        return "it is no address of a database."
    if address.startswith("sqlite"):
        return ""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return "its host or its port is none."
    unknown = sorted({name for name, _value in parse_qsl(parts.query)} - _known_options()) if parts.query else []
    return f"PostgreSQL has no option {', '.join(map(legible.shown, unknown))}." if unknown else ""


def _known_options() -> frozenset[str]:
    from psycopg.pq import Conninfo  # loads the client library, which only who names options needs this early

    return _OF_ADDRESSES | {known.keyword.decode() for known in Conninfo.get_defaults()}


def _mail_faults(config: Config) -> Iterator[tuple[str, InvalidInput]]:
    if config.smtp_url:
        try:
            mail_servers.read(config.smtp_url)
        except InvalidInput as fault:
            yield "smtp_url", fault
        if not config.mail_from:
            remedy = "Set it to the team's address, as cirt@cirt.example."
            yield "smtp_url", InvalidInput("mail has no sender.", where="TOCSIN_MAIL_FROM", remedy=remedy)
    if config.mail_from and not _MAIL_ADDRESS.fullmatch(config.mail_from):
        remedy = "Write one address, as cirt@cirt.example; TOCSIN_TEAM_NAME stands beside it."
        yield "mail_from", InvalidInput("it is no address of mail.", where="TOCSIN_MAIL_FROM", remedy=remedy)
    for address in config.audit_head_to:
        if not _MAIL_ADDRESS.fullmatch(address):
            remedy = "Write addresses with commas between, as keeper@elsewhere.example."
            words = f"{legible.shown(address[:80])!r} is no address of mail."
            yield "audit_head_to", InvalidInput(words, where="TOCSIN_AUDIT_HEAD_TO", remedy=remedy)
    if legible.flaw(config.team_phone) or len(config.team_phone) > _LONGEST_PHONE:
        words = f"it is longer than {_LONGEST_PHONE} characters, or holds some that cannot be seen."
        yield "team_phone", InvalidInput(words, where="TOCSIN_TEAM_PHONE", remedy="Write it as +1 555 010 0199.")
    if config.mail_domain and not _MAIL_DOMAIN.fullmatch(config.mail_domain):
        remedy = "Write a name, as mail.cirt.example."
        yield "mail_domain", InvalidInput("it is no domain.", where="TOCSIN_MAIL_DOMAIN", remedy=remedy)


def _sign_in_faults(config: Config) -> Iterator[tuple[str, InvalidInput]]:
    lacking = [name for name in ("issuer", "client", "secret") if not getattr(config, f"oidc_{name}")]
    if not config.oidc_issuer:
        return
    for name in lacking:
        remedy = "Set TOCSIN_OIDC_CLIENT and TOCSIN_OIDC_SECRET as the service gave them, or no issuer."
        yield "oidc_issuer", InvalidInput("it is not set.", where=f"TOCSIN_OIDC_{name.upper()}", remedy=remedy)
    for address in config.oidc_addresses:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            words, remedy = f"{legible.shown(address[:80])!r} is no address.", "Write it as 10.0.0.5."
            yield "oidc_addresses", InvalidInput(words, where="TOCSIN_OIDC_ADDRESSES", remedy=remedy)
    if not _is_issuer(config.oidc_issuer, config.oidc_addresses):
        remedy = "Write it as https://login.example/path, as the service names itself."
        yield "oidc_issuer", InvalidInput("it is no https address.", where="TOCSIN_OIDC_ISSUER", remedy=remedy)


def _is_issuer(address: str, unguarded: Collection[str]) -> bool:
    """Say whether a service may be asked there: encrypted, or at an address that is named as one of our own."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    is_plain = parts.scheme == "http" and parts.hostname in unguarded
    return bool(parts.hostname) and (parts.scheme == "https" or is_plain) and not parts.query and not parts.fragment


_LONGEST_PHONE = 40
_DOMAIN = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+"
_MAIL_DOMAIN = re.compile(rf"(?=.{{1,180}}$){_DOMAIN}")
_MAIL_ADDRESS = re.compile(rf"(?=.{{1,254}}$)[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.-]{{1,64}}@{_DOMAIN}")


def _retention_faults(config: Config) -> Iterator[tuple[str, InvalidInput]]:
    for label in TLP:
        if fault := config.retention.fault(label, config.gone_after):
            name, (problem, remedy) = retention_setting(label), fault
            yield name, InvalidInput(problem, where=f"TOCSIN_{name.upper()}", remedy=remedy)


def _from_file(path: Path, home: Path, problems: list[InvalidInput]) -> dict[str, Any]:
    """Return the settings in a file, none where there is no file; what is wrong with it is added to the problems."""
    try:
        values = tomllib.loads(_content(path))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(InvalidInput(f"it cannot be read as TOML ({error}).", where=str(path)))
        return {}
    except OSError as error:
        remedy = unusable.by_its_owner(path, home) if isinstance(error, PermissionError) else ""
        problems.append(InvalidInput(f"it cannot be read ({error.strerror}).", where=str(path), remedy=remedy))
        return {}
    known = {field.name for field in dataclasses.fields(Config)}
    problems += [_unknown(name, known, path) for name in values if name not in known]
    return values


def _unknown(name: str, known: Collection[str], path: Path) -> InvalidInput:
    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"Is it {near[0]!r}?" if near else "Take it out."
    return InvalidInput(f"there is no setting {name!r}.", where=str(path), remedy=remedy)


NOT_OURS = ("TOCSIN_TEST_", "TOCSIN_BENCH_", "TOCSIN_STAGES")
"""Variables of the tests, the benchmarks and the tools of a checkout begin so."""


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[InvalidInput]:
    """Return a refusal of each `TOCSIN_…` variable that is no setting: most are misspelt, and do nothing.

    It is for `doctor` and for warnings: a variable may be for another version that runs beside this one.
    """
    known = {f"TOCSIN_{field.name.upper()}" for field in dataclasses.fields(Config)} | {"TOCSIN_CONFIG"}
    known |= {f"{name}_FILE" for name in known}
    given = os.environ if environment is None else environment
    unknown = [name for name in given if name.startswith("TOCSIN_") and not name.startswith(NOT_OURS)]
    return [_unknown_variable(name, known) for name in sorted(set(unknown) - known)]


def _unknown_variable(name: str, known: Collection[str]) -> InvalidInput:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    remedy = f"Is it {near[0]}?" if near else "Take it out."
    return InvalidInput("there is no such setting; it does nothing.", where=name, remedy=remedy)


def _from_environment(environment: Mapping[str, str], name: str) -> str | None:
    variable = f"TOCSIN_{name.upper()}"
    if file := environment.get(f"{variable}_FILE"):
        try:
            return _content(Path(file)).strip()
        except OSError as error:
            raise InvalidInput(f"{file} cannot be read ({error.strerror}).", where=f"{variable}_FILE") from error
        except UnicodeDecodeError:
            raise InvalidInput(f"{file} is not UTF-8 text.", where=f"{variable}_FILE") from None
    return environment.get(variable)


_MOST_BYTES = 1 << 20


def _content(path: Path) -> str:
    """Return the text of a file of settings. One without end, as /dev/zero, is not read to it. Raises OSError."""
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise OSError(errno.EFBIG, "it is larger than 1 MiB")
    return content.decode("utf-8")


def _read(name: str, value: Any) -> Any:
    """Return a setting's value in its type, from text or TOML."""
    default = next(field.default for field in dataclasses.fields(Config) if field.name == name)
    where = f"TOCSIN_{name.upper()}"
    if isinstance(default, bool):
        return _truth(where, value)
    if isinstance(default, int):
        try:
            return int(value)
        except (TypeError, ValueError):
            raise InvalidInput(f"{value!r} is not a whole number.", where=where) from None
    if isinstance(default, tuple):
        return tuple(value) if isinstance(value, list) else tuple(filter(None, str(value).replace(" ", "").split(",")))
    if name == "time_zone":
        return _zone(where, str(value))
    if name in ("home", "tls_cert", "tls_key"):
        return Path(value) if value else default
    return str(value)


def _zone(where: str, name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        remedy = "Write it as Africa/Nairobi; when that is unknown too, run: apt install tzdata"
        raise InvalidInput(f"there is no time zone {name!r}.", where=where, remedy=remedy) from None
    return name


def _truth(where: str, value: Any) -> bool:
    word = str(value).strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("", "0", "false", "no", "off"):
        return False
    raise InvalidInput(f"{value!r} is neither yes nor no.", where=where)
