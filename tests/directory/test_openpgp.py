"""Fingerprints of keys that GnuPG made."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.courier import openpgp

KEY = """-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawIXTBYJKwYBBAHaRw8BAQdAHhepMHokFoHPxfqxEskvP0GpfVLfQrDkKVjr
g1rUlr20KVNlY3VyaXR5IHRlYW0gPHNlY3VyaXR5QG1pbmlzdHJ5LmV4YW1wbGU+
iJAEExYIADgWIQTfTA7rOVlJrTX2EKWtkX4SWCwgyAUCawIXTAIbAwULCQgHAgYV
CgkICwIEFgIDAQIeAQIXgAAKCRCtkX4SWCwgyA6RAP9jw5bdJXY8A/LwmXpDpjCB
SFLscsIV6XB+5vJkReCYtQEA/x70al7VSDhs8Qt27yNgfr+fB1ZmSOvOzYcUDKsi
awA=
=MPp5
-----END PGP PUBLIC KEY BLOCK-----
"""
FINGERPRINT = "DF4C0EEB395949AD35F610A5AD917E12582C20C8"


def test_the_fingerprint_is_the_one_that_gnupg_shows() -> None:
    assert openpgp.fingerprint(KEY) == FINGERPRINT


def test_text_around_the_key_and_windows_lines_do_no_harm() -> None:
    text = "Our key:\n\n" + KEY.replace("BLOCK-----\n", "BLOCK-----\nComment: of the team\n", 1) + "\nRegards"
    assert openpgp.fingerprint(text.replace("\n", "\r\n")) == FINGERPRINT


def test_a_private_key_is_refused_loudly() -> None:
    with pytest.raises(openpgp.NotAPublicKey, match="private key"):
        openpgp.fingerprint(KEY.replace("PUBLIC", "PRIVATE"))


@pytest.mark.parametrize(
    "text", ["", "0x1234", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----"]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(openpgp.NotAPublicKey, match="OpenPGP"):
        openpgp.fingerprint(text)


@given(st.text(alphabet="ABCDwxyz0189+/=\n", max_size=200))
def test_damaged_keys_are_refused_with_a_sentence_and_nothing_else(body: str) -> None:
    text = f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{body}\n-----END PGP PUBLIC KEY BLOCK-----"
    try:
        assert len(openpgp.fingerprint(text)) in (40, 64)
    except openpgp.NotAPublicKey as refused:
        assert str(refused).endswith((".", ")."))


@pytest.mark.parametrize("filling", [" ", "\n", "A: b\n", "=AAAA\n", "A\n", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"])
def test_no_text_is_looked_at_for_long(filling: str) -> None:
    started = time.process_time()
    with pytest.raises(openpgp.NotAPublicKey):
        openpgp.fingerprint("-----BEGIN PGP PUBLIC KEY BLOCK-----\n" + filling * (200_000 // len(filling)) + "!")
    assert time.process_time() - started < 1
