"""A head is signed so that anybody can check it, and read back from wherever it was kept."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from tocsin.audit.signing import Head, make_key, public_key, public_pem, read_head, sign
from tocsin.kernel.refusals import InvalidInput, Unavailable

ON = dt.date(2026, 3, 2)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "audit.key"
    make_key(path)
    return path


@pytest.fixture
def head(key: Path) -> Head:
    return sign(Head(ON, 17, "ab" * 32, public_key(key)), key)


def test_a_head_is_signed_and_read_back_from_its_text(head: Head) -> None:
    assert head.is_signed
    assert read_head(head.text) == head


@pytest.mark.parametrize(
    ("field", "value"),
    [("on", dt.date(2026, 3, 3)), ("sequence", 18), ("hash", "cd" * 32), ("signature", "A" * 86 + "==")],
)
def test_no_value_can_be_changed_without_the_key(head: Head, field: str, value: object) -> None:
    assert not dataclasses.replace(head, **{field: value}).is_signed  # type: ignore[arg-type]


def test_the_signature_of_another_key_is_none(head: Head, tmp_path: Path) -> None:
    make_key(tmp_path / "other.key")
    other = sign(dataclasses.replace(head, key=public_key(tmp_path / "other.key")), tmp_path / "other.key")
    assert other.is_signed
    assert not dataclasses.replace(head, signature=other.signature).is_signed


@pytest.mark.parametrize("signature", ["", "not base64", "QUJD"])
def test_what_is_no_signature_does_not_pass(head: Head, signature: str) -> None:
    assert not dataclasses.replace(head, signature=signature).is_signed


@pytest.mark.parametrize(
    "kept",
    [
        lambda text: "".join(f"> {line}\r\n" for line in text.splitlines()),
        lambda text: f"Dear colleague,\nplease keep this:\n\n{text}\nRegards",
        lambda text: text.replace("signature: ", "signature:\n  ").replace("row: ", "Row:\t"),
        lambda text: "\n".join(text[at : at + 60] for at in range(0, len(text), 60)),
        lambda text: text.replace("hash: abab", "hash: ABAB"),
    ],
    ids=["quoted", "in a letter", "laid out anew", "wrapped", "typed from paper"],
)
def test_a_head_is_read_as_mail_and_paper_give_it_back(head: Head, kept: object) -> None:
    assert read_head(kept(head.text)) == head  # type: ignore[operator]


@pytest.mark.parametrize("text", ["", "hello", "day: 2026-03-02\nrow: 17", "\0" * 50, "x" * 100_000])
def test_what_is_no_head_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"no head of an audit trail\. Give the whole text"):
        read_head(text)


def test_a_day_that_is_none_is_refused(head: Head) -> None:
    with pytest.raises(InvalidInput, match="2026-13-02 is no day"):
        read_head(head.text.replace("2026-03-02", "2026-13-02"))


def test_the_key_is_made_once_and_for_its_owner_alone(key: Path) -> None:
    before = key.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not make_key(key)
    assert key.read_bytes() == before


def test_a_key_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="tocsin upgrade"):
        public_key(tmp_path / "audit.key")


def test_a_file_that_holds_no_key_is_named(key: Path) -> None:
    key.write_text("hello")
    with pytest.raises(Unavailable, match="holds no key"):
        public_key(key)


def test_a_key_of_another_kind_is_named(key: Path) -> None:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(generate_private_key(SECP256R1()).private_bytes(encoding, form, serialization.NoEncryption()))
    with pytest.raises(Unavailable, match="another kind"):
        public_key(key)


def test_a_folder_in_the_place_of_the_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        public_key(tmp_path)


def test_openssl_checks_a_head_without_this_software(head: Head, tmp_path: Path) -> None:
    for name, content in {
        "signed": head.signed_text.encode(),
        "signature": base64.b64decode(head.signature),
        "key.pem": public_pem(head.key).encode(),
    }.items():
        (tmp_path / name).write_bytes(content)
    asked = ("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "signed")
    done = subprocess.run([*asked, "-sigfile", "signature"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verified Successfully" in done.stdout + done.stderr
