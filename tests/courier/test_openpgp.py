"""OpenPGP against GnuPG, the independent reader: signed, encrypted, both; and keys that cannot be used."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import email.policy
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.courier import openpgp, protection, team_key
from tocsin.courier.composing import Attachment, Mail, compose
from tocsin.kernel.refusals import Conflict, InvalidInput, Unavailable
from tocsin.kernel.tlp import TLP

pytestmark = pytest.mark.django_db
NOW = dt.datetime.now(dt.UTC)


class Gpg:
    """GnuPG with a key ring of its own."""

    def __init__(self) -> None:
        # A socket's path has 107 characters at most: the folder of the test may be too deep.
        self.home = Path(tempfile.mkdtemp(prefix="gpg-"))
        (self.home / "gpg-agent.conf").write_text("s2k-count 65536\n")
        self._environment = {**os.environ, "GNUPGHOME": str(self.home), "LC_ALL": "C.UTF-8"}

    def __call__(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = ["gpg", "--batch", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", "", *arguments]
        return subprocess.run(command, input=given, capture_output=True, env=self._environment, timeout=120)

    def done(self, *arguments: str, given: bytes = b"") -> bytes:
        run = self(*arguments, given=given)
        assert run.returncode == 0, run.stderr.decode()
        return run.stdout

    def key(self, address: str, *how: str, faked: str = "") -> str:
        """Make a key; return its public part."""
        when = ["--faked-system-time", faked] if faked else []
        self.done(*when, "--quick-gen-key", address, *how)
        return self.public(address)

    def public(self, address: str) -> str:
        return self.done("--armor", "--export", f"<{address}>").decode()

    def fingerprint(self, address: str) -> str:
        lines = self.done("--with-colons", "--list-keys", f"<{address}>").decode().splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr:"))

    def end(self) -> None:
        subprocess.run(["gpgconf", "--kill", "all"], env=self._environment, check=False, capture_output=True)
        shutil.rmtree(self.home, ignore_errors=True)


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    ring = Gpg()
    yield ring
    ring.end()


@pytest.fixture(scope="module")
def key(gpg: Gpg) -> str:
    """The public key of the bank's team, as GnuPG makes it."""
    return gpg.key("it@bank.example", "default", "default", "1y")


@pytest.fixture
def team(settings: Any, tmp_path: Path, gpg: Gpg) -> str:
    """A team with a key, which the reader knows; its fingerprint."""
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, home=tmp_path, mail_from="cirt@cirt.example")
    content = team_key.made("CIRT Meridia", "cirt@cirt.example")
    made = team_key.take_into_use(content, replace=False, by=COMMAND_LINE, at=NOW)
    gpg.done("--import", given=team_key.public().encode())
    return made.fingerprint


def composed(**changes: Any) -> EmailMessage:
    text = "Ça répond à n'importe qui.\nFrom here on\n  192.0.2.1 tcp/3389 \n"
    mail = Mail(to="it@bank.example", subject="Open services", text=text, tlp=TLP.AMBER, **changes)
    content = compose(mail, key="k1", at=NOW).content
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage) and not message.defects
    return message


def signed_bytes(message: EmailMessage, raw: bytes) -> tuple[bytes, bytes]:
    """Return what was signed and the signature, cut out of the raw bytes as RFC 3156 has it."""
    boundary = b"\r\n--" + str(message.get_boundary()).encode()
    _head, content, signature, end = raw.split(boundary)
    assert end == b"--\r\n"
    return content.removeprefix(b"\r\n"), signature.partition(b"\r\n\r\n")[2]


def test_gnupg_verifies_what_was_signed(team: str, gpg: Gpg, tmp_path: Path) -> None:
    mail = Mail(to="it@bank.example", subject="s", text="Ça va.\nFrom x \n", tlp=TLP.GREEN, sign=True)
    raw = compose(mail, key="k1", at=NOW).content
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message.get_content_type() == "multipart/signed"
    assert message.get_param("protocol") == "application/pgp-signature"
    content, signature = signed_bytes(message, raw)
    (tmp_path / "signature.asc").write_bytes(signature)
    run = gpg("--status-fd", "1", "--verify", str(tmp_path / "signature.asc"), "-", given=content)
    assert b"GOODSIG" in run.stdout and team.encode() in run.stdout
    algorithm = {b"8": "pgp-sha256", b"9": "pgp-sha384", b"10": "pgp-sha512"}
    valid = next(line for line in run.stdout.splitlines() if b"VALIDSIG" in line).split()
    assert message.get_param("micalg") == algorithm[valid[9]]
    changed = gpg("--verify", str(tmp_path / "signature.asc"), "-", given=content.replace(b"From", b"Frow"))
    assert changed.returncode != 0


def test_gnupg_decrypts_what_was_encrypted_and_sees_who_signed_it(team: str, gpg: Gpg, key: str) -> None:
    message = composed(openpgp_key=key, attachments=(Attachment("a.csv", b"x\n"),))
    assert message.get_content_type() == "multipart/encrypted"
    version, encrypted = message.iter_parts()
    assert version.get_content_type() == "application/pgp-encrypted"
    assert version.get_payload(decode=True) == b"Version: 1\r\n"
    run = gpg("--status-fd", "2", "--decrypt", given=encrypted.get_payload(decode=True) or b"")
    assert run.returncode == 0, run.stderr.decode()
    assert b"GOODSIG" in run.stderr and team.encode() in run.stderr
    inside = email.message_from_bytes(run.stdout, policy=email.policy.default)
    assert isinstance(inside, EmailMessage)
    text = inside.get_body()
    assert text is not None and "n'importe qui" in text.get_content() and "TLP:AMBER" in text.get_content()
    assert [part.get_filename() for part in inside.iter_attachments()] == ["a.csv"]
    assert b"importe" not in message.as_bytes()


def test_a_team_without_a_key_encrypts_all_the_same_but_signs_nothing(
    settings: Any, tmp_path: Path, gpg: Gpg, key: str
) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, home=tmp_path, mail_from="cirt@cirt.example")
    _version, encrypted = composed(openpgp_key=key).iter_parts()
    payload = encrypted.get_payload(decode=True)
    assert isinstance(payload, bytes) and b"importe" in gpg.done("--decrypt", given=payload)
    with pytest.raises(Unavailable, match="tocsin mail key make"):
        composed(sign=True)


@pytest.mark.parametrize("tlp", list(TLP))
def test_what_is_amber_or_stricter_is_encrypted_where_a_key_is_known_and_says_so_where_none_is(
    key: str, tlp: TLP
) -> None:
    is_strict = tlp in (TLP.AMBER, TLP.AMBER_STRICT, TLP.RED)
    assert protection.decide(tlp, key, at=NOW).encrypts == is_strict
    assert protection.decide(tlp, key, wants=True, at=NOW).encrypts
    bare = protection.decide(tlp, "", at=NOW)
    assert (bare.encrypts, "not encrypted" in bare.says) == (False, is_strict)
    with pytest.raises(Conflict, match="No OpenPGP key"):
        protection.decide(tlp, "", wants=True, at=NOW)


def test_a_mail_in_clear_that_should_not_be_says_so_to_its_reader(settings: Any, tmp_path: Path) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, home=tmp_path, mail_from="cirt@cirt.example")
    body = composed().get_body()
    assert body is not None and "This message was not encrypted" in body.get_content()


def unusable(gpg: Gpg, kind: str) -> str:
    """Return a key that cannot be encrypted to."""
    address = f"{kind}@bank.example"
    if kind == "expired":
        return gpg.key(address, "future-default", "default", "1y", faked="20200101T000000")
    if kind == "signs-only":
        return gpg.key(address, "ed25519", "sign", "never")
    if kind == "part-expired":
        gpg.key(address, "ed25519", "sign", "never", faked="20200101T000000")
        fingerprint = gpg.fingerprint(address)
        gpg.done("--faked-system-time", "20200101T000100", "--quick-add-key", fingerprint, "cv25519", "encr", "1y")
        return gpg.public(address)
    if kind == "revoked":
        gpg.key(address, "future-default", "default", "never")
        revocation = gpg.home / "openpgp-revocs.d" / f"{gpg.fingerprint(address)}.rev"
        gpg.done("--import", given=revocation.read_bytes().replace(b":-----BEGIN", b"-----BEGIN"))
        return gpg.public(address)
    return "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("expired", "expired on 31 Dec 2020"),
        ("revoked", "was revoked"),
        ("signs-only", "cannot encrypt now"),
        ("part-expired", "cannot encrypt now"),
        ("damaged", "cannot be read"),
    ],
)
def test_a_key_that_cannot_be_used_is_a_clear_refusal_and_nothing_goes_in_clear(
    gpg: Gpg, settings: Any, tmp_path: Path, kind: str, words: str
) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, home=tmp_path, mail_from="cirt@cirt.example")
    bad = unusable(gpg, kind)
    with pytest.raises(Conflict, match=words) as refused:
        composed(openpgp_key=bad)
    assert str(refused.value).endswith("is not sent in clear.")
    assert protection.decide(TLP.GREEN, bad, at=NOW) == protection.Decision(encrypts=False)
    said = {"revoked": "was revoked by its owner", "expired": "expired on 31 Dec 2020", "damaged": ""}
    found = openpgp.flaw(bad, at=NOW)
    assert said.get(kind, "its part for encrypting") in found and bool(found) == (kind != "damaged")


def test_of_several_keys_the_first_counts(gpg: Gpg, key: str) -> None:
    other = gpg.key("other@bank.example", "ed25519", "sign", "never")
    both = gpg.done("--armor", "--export", "<it@bank.example>", "<other@bank.example>").decode()
    assert openpgp.fingerprint(both) in (openpgp.fingerprint(key), openpgp.fingerprint(other))


def test_a_key_is_usable_until_the_day_it_expires(gpg: Gpg) -> None:
    old = gpg.key("old@bank.example", "future-default", "default", "1y", faked="20200101T000000")
    assert openpgp.hindrance(old, at=dt.datetime(2020, 6, 1, tzinfo=dt.UTC)) == ""
    assert openpgp.hindrance(old, at=NOW) != ""


def test_the_teams_key_is_private_written_down_and_never_overwritten_by_accident(team: str) -> None:
    assert team_key.path().stat().st_mode & 0o777 == 0o600
    assert team_key.fingerprint() == team
    other = team_key.made("CIRT Meridia", "cirt@cirt.example")
    with pytest.raises(Conflict, match=team):
        team_key.take_into_use(other, replace=False, by=COMMAND_LINE, at=NOW)
    before = team_key.path().read_bytes()
    event = team_key.take_into_use(other, replace=True, by=COMMAND_LINE, at=NOW)
    assert event.before == team and team_key.fingerprint() == event.fingerprint != team
    assert team_key.path().with_name(f"openpgp-{team}.key").read_bytes() == before
    assert list(AuditRow.objects.values_list("code", flat=True)) == ["team_key.changed"] * 2
    assert "PRIVATE" not in "".join(AuditRow.objects.values_list("data_json", flat=True))
    assert "PRIVATE" not in team_key.public()


def test_a_key_of_gnupg_is_brought_in_and_signs(settings: Any, tmp_path: Path, gpg: Gpg, key: str) -> None:
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, home=tmp_path, mail_from="cirt@cirt.example")
    private = gpg.done("--armor", "--export-secret-keys", "it@bank.example")
    team_key.take_into_use(team_key.checked(private), replace=False, by=COMMAND_LINE, at=NOW)
    assert team_key.fingerprint() == gpg.fingerprint("it@bank.example")
    raw = compose(Mail(to="a@b.example", subject="s", text="t", tlp=TLP.CLEAR, sign=True), key="k", at=NOW).content
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    content, signature = signed_bytes(message, raw)
    (tmp_path / "signature.asc").write_bytes(signature)
    gpg.done("--verify", str(tmp_path / "signature.asc"), "-", given=content)


@pytest.mark.parametrize("content", [b"", b"no key", b"x" * 1_000_001])
def test_what_is_no_private_key_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput, match="no OpenPGP private key"):
        team_key.checked(content)


def test_a_public_key_or_one_with_a_passphrase_is_refused(key: str, gpg: Gpg) -> None:
    with pytest.raises(InvalidInput):
        team_key.checked(key.encode())
    locked = ["--passphrase", "a secret", "--quick-gen-key", "locked@bank.example", "ed25519", "sign", "never"]
    gpg.done(*locked)
    private = gpg.done("--passphrase", "a secret", "--armor", "--export-secret-keys", "locked@bank.example")
    with pytest.raises(InvalidInput, match="passphrase"):
        team_key.checked(private)
