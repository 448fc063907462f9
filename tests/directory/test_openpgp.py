"""Fingerprints of keys that GnuPG made."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.courier import openpgp

KEY = """-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEaVW5ABYJKwYBBAHaRw8BAQdA322Adnfx8Oc4QJFAt291s16Vp9+TwkfCbuUK
ot0HW1S0D3NvY0Btb2guZXhhbXBsZYiQBBMWCAA4FiEE8JjTRQXI6iBfUXh2LlpD
Pcd279YFAmlVuQACGwMFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQLlpDPcd2
79aUpwD/QOafSxB8J6B0QlN9pfWtbsNjdLzl8UB29vWTKwMEDaMA/2mtNVddIQ9M
zCXuk4Acwncv0WfnHK4OZF/rs7urz7kHuDgEaVW5ABIKKwYBBAGXVQEFAQEHQGit
MbVCyYjrQ7hMZUAletM36n1TsymkCLz1vtY07S5GAwEIB4h4BBgWCAAgFiEE8JjT
RQXI6iBfUXh2LlpDPcd279YFAmlVuQACGwwACgkQLlpDPcd279Z6GQD+NP2SLri3
WegZnNzPHmIsj/STbHyiMpIH6kCfLmkQw30BAIofnSLyHPajQDAC1dr2dnzg+VC0
MM+CFpVUtVBt7MQE
=Bl+g
-----END PGP PUBLIC KEY BLOCK-----
"""
FINGERPRINT = "F098D34505C8EA205F5178762E5A433DC776EFD6"
SIGNS_ONLY = """-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEaVW5ABYJKwYBBAHaRw8BAQdAWlpfVxNEfBq7EuO8rVh8+3IWn66cJ1gyEqO3
AjUzze60EXNpZ25zQG1vaC5leGFtcGxliJAEExYIADgWIQSHq0Rw4bRLPtH4Slvw
L/HFhc+HKQUCaVW5AAIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAKCRDwL/HF
hc+HKS+aAP0RRpP2Qy4t5wwDI8smfVqQK7dHlgAbaNaSM4Ecq5vbXgEA5shw3xPe
xy/hbMyox0Z8T2MrxKlrkCVM93rgpAqlng4=
=T0Ls
-----END PGP PUBLIC KEY BLOCK-----
"""
"""Made to sign, without a part for encrypting."""
EXPIRED = """-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEXgvhABYJKwYBBAHaRw8BAQdAc4kI65Vh/ibJjizVHt4VE43vi7UR5bYR7w2q
jo2boRm0D29sZEBtb2guZXhhbXBsZYiWBBMWCAA+FiEE/IJUuj3//isEvQ+bGK97
LHrMIeIFAl4L4QACGwMFCQHhM4AFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQ
GK97LHrMIeJgfAD/c482Uv+lEuM8FMiUFNESy31MDjlu8C4GPoNO4aGILPEA/3dW
iNK45uJhN/ocaH4ACw+gdLfe7nHa0Pm+iEF6aM8AuDgEXgvhABIKKwYBBAGXVQEF
AQEHQKjEnPtU0Ycr7XK9EOiSqqVhC8eOCP2ut1hdoEZhwkBfAwEIB4h4BBgWCAAg
FiEE/IJUuj3//isEvQ+bGK97LHrMIeIFAl4L4QACGwwACgkQGK97LHrMIeIupQD/
ekEFsFCuU7Wrci+aQLXZ6dEseHKS/yjXwiXJg/pXaokA/jClCXS+69PrYdjC65rm
3rlnJ3OAlF8r6bTlkmw73koK
=kZkT
-----END PGP PUBLIC KEY BLOCK-----
"""
"""Made on 1 January 2020 for a year."""


def test_the_fingerprint_is_the_one_that_gnupg_shows() -> None:
    assert openpgp.fingerprint(KEY) == FINGERPRINT


def test_text_around_the_key_and_windows_lines_do_no_harm() -> None:
    text = "Our key:\n\n" + KEY.replace("BLOCK-----\n", "BLOCK-----\nComment: of the team\n", 1) + "\nRegards"
    assert openpgp.fingerprint(text.replace("\n", "\r\n")) == FINGERPRINT


AT = dt.datetime(2026, 3, 2, 8, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("key", "at", "said"),
    [
        (KEY, AT, ""),
        (EXPIRED, dt.datetime(2020, 6, 1, tzinfo=dt.UTC), ""),
        (EXPIRED, AT, "expired on 31 Dec 2020"),
        (SIGNS_ONLY, AT, "only signs"),
        (KEY, dt.datetime(2025, 12, 1, tzinfo=dt.UTC), "valid from 1 Jan 2026 on"),
        ("no key", AT, ""),
    ],
)
def test_a_key_to_which_nothing_can_be_encrypted_says_so_before_it_is_kept(
    key: str, at: dt.datetime, said: str
) -> None:
    found = openpgp.flaw(key, at=at)
    assert said in found and bool(found) == bool(said)


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
