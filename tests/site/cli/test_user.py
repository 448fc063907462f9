"""`tocsin user` opens accounts from the shell."""

from __future__ import annotations

import argparse
import json
from typing import Any

import pytest
from django.test import Client

from tocsin.audit.models import AuditRow
from tocsin.people.choices import Role
from tocsin.people.models import Person
from tocsin.site.cli import user


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    user.add_commands(parser.add_subparsers())
    options = parser.parse_args(["user", *arguments])
    return int(options.run(options))


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """All of them write."""


def test_an_account_is_opened_and_its_link_leads_to_enrolment(capsys: Any, client: Client) -> None:
    assert run("create", "--email", "ana@cirt.example", "--role", "analyst", "--name", "Ana") == 0
    address = capsys.readouterr().out.splitlines()[-1]
    assert address.startswith("http://localhost:8000/sign-in/enrol/")
    assert client.get(address.removeprefix("http://localhost:8000")).headers["Location"] == "/sign-in/enrol/"
    assert Person.objects.get().role == "analyst"
    assert [row.actor_key for row in AuditRow.objects.all()] == ["system:command line"] * 2


def test_the_link_is_printed_as_json_on_one_line(capsys: Any) -> None:
    run("create", "--email", "ana@cirt.example", "--role", "analyst", "--json")
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert json.loads(printed)["enrolment"].startswith("http://localhost:8000/")


def test_who_lost_the_authenticator_gets_a_new_link(capsys: Any) -> None:
    run("create", "--email", "ana@cirt.example", "--role", "analyst")
    capsys.readouterr()
    assert run("enrol", "--email", "ANA@cirt.example") == 0
    assert "/sign-in/enrol/" in capsys.readouterr().out


def test_an_unknown_account_cannot_enrol() -> None:
    from tocsin.kernel.refusals import Conflict

    with pytest.raises(Conflict, match=r"no open account for nobody@cirt\.example"):
        run("enrol", "--email", " Nobody@CIRT.example")


def test_an_unknown_role_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as stop:
        run("create", "--email", "a@b.example", "--role", "root")
    assert stop.value.code == 2


def test_the_roles_are_those_of_people() -> None:
    assert list(user.ROLES) == Role.values
