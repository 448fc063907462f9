"""What the database holds of second factors cannot be used by whoever has the database alone."""

from __future__ import annotations

import base64
import dataclasses
import stat
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.test import Client

from tests.cast import PASSWORD, Cast
from tests.people.conftest import SECRET, code_of
from tocsin.kernel.refusals import Unavailable
from tocsin.people import sealing
from tocsin.people.models import Person

Enrolled = Callable[[Person], Person]


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Path:
    """A data directory without keys."""
    settings.TOCSIN = dataclasses.replace(settings.TOCSIN, home=tmp_path / "home")
    return tmp_path / "home"


@pytest.mark.django_db
def test_no_secret_stands_in_the_database_and_codes_are_checked_all_the_same(
    home: Path, cast: Cast, client: Client, enrolled: Enrolled, still: None
) -> None:
    enrolled(cast.analyst)
    held = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert SECRET not in held and held.count("sealed:") == 2
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    for code in (code_of(SECRET), codes[0]):
        browser = Client()
        browser.post("/sign-in/", {"login": cast.analyst.email, "password": PASSWORD})
        assert browser.post("/sign-in/code/", {"code": code}).status_code == 302
        assert browser.get("/account/").status_code == 200


def test_what_is_sealed_is_read_with_the_key_and_never_looks_twice_the_same(home: Path) -> None:
    first, second = sealing.seal("JBSW Y3DP"), sealing.seal("JBSW Y3DP")
    assert first != second and sealing.is_sealed(first) and "JBSW" not in first
    assert sealing.unseal(first) == sealing.unseal(second) == "JBSW Y3DP"
    assert sealing.unseal("kept before") == "kept before" and not sealing.is_sealed("kept before")


def test_the_key_is_made_once_and_for_its_owner_alone(home: Path) -> None:
    begun, found = threading.Barrier(8), []

    def make() -> None:
        begun.wait()
        found.append(sealing.seal("x"))

    threads = [threading.Thread(target=make) for _number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [sealing.unseal(each) for each in found] == ["x"] * 8
    (key,) = (home / "keys").iterdir()
    assert key.name == "factors.key" and stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(base64.b64decode(key.read_bytes())) == sealing.KEY_BYTES


@pytest.mark.parametrize("instead", [None, b"", b"no key", base64.b64encode(b"short"), base64.b64encode(b"x" * 32)])
def test_another_key_or_none_is_said_and_no_new_one_is_made(home: Path, instead: bytes | None) -> None:
    sealed, path = sealing.seal("x"), home / "keys" / "factors.key"
    path.unlink()
    if instead is not None:
        path.write_bytes(instead)
    with pytest.raises(Unavailable, match="Put it back from a backup"):
        sealing.unseal(sealed)
    assert path.exists() is (instead is not None)


@pytest.mark.parametrize("broken", ["sealed:", "sealed:no base 64", "sealed:eA=="])
def test_what_was_changed_in_the_database_is_not_believed(home: Path, broken: str) -> None:
    sealed = sealing.seal("x")
    with pytest.raises(Unavailable):
        sealing.unseal(broken)
    with pytest.raises(Unavailable):
        sealing.unseal(sealed[:-6] + ("AAAA" if sealed[-6:-2] != "AAAA" else "BBBB") + sealed[-2:])


@pytest.mark.django_db
def test_an_upgrade_seals_what_stands_once(home: Path, cast: Cast) -> None:
    made = [
        Authenticator.objects.create(user=cast.analyst, type="totp", data={"secret": SECRET}),
        Authenticator.objects.create(user=cast.analyst, type="recovery_codes", data={"seed": "seed", "used_mask": 5}),
        Authenticator.objects.create(user=cast.analyst, type="webauthn", data={"name": "Laptop"}),
    ]
    step = import_module("tocsin.people.migrations.0006_seal_factors")
    step.seal(apps, None)
    rows = [Authenticator.objects.get(pk=each.pk).data for each in made]
    assert sealing.unseal(rows[0]["secret"]) == SECRET != rows[0]["secret"]
    assert sealing.unseal(rows[1]["seed"]) == "seed" != rows[1]["seed"] and rows[1]["used_mask"] == 5
    assert rows[2] == {"name": "Laptop"}
    step.seal(apps, None)
    assert [Authenticator.objects.get(pk=each.pk).data for each in made] == rows
