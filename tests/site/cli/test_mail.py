"""`tocsin mail`: the switch, the sentence, the key."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands import Command
from tests.homes import Home


def test_the_switch_stops_and_starts_and_says_how_it_stands(made: Home) -> None:
    assert made.done("mail", "status") == "Nothing waits to be sent.\n"
    stopped = made.done("mail", "stop", "--reason", "The list was wrong")
    assert stopped == "Nothing leaves until `tocsin mail start`. Everything is stopped; 0 messages wait.\n"
    status = json.loads(made.done("mail", "status", "--json"))
    assert (status["ok"], status["stopped"], status["reason"]) == (False, True, "The list was wrong")
    assert "mail: everything is stopped by command line on" in made("doctor").stdout
    again = made("mail", "stop", "--reason", "again")
    assert (again.returncode, again.stderr) == (1, "tocsin: Everything that goes out is stopped already.\n")
    assert made.done("mail", "start") == "What waits leaves from now on. Nothing waits to be sent.\n"
    assert made("mail", "start").returncode == 1


def test_stopping_without_a_reason_is_wrong_usage_and_an_empty_one_refused(ready: Path, tocsin: Command) -> None:
    assert tocsin("mail", "stop").returncode == 2
    assert "Say why" in tocsin("mail", "stop", "--reason", " ").stderr


def test_the_teams_key_is_made_printed_and_replaced(ready: Path, tocsin: Command) -> None:
    assert "tocsin mail key make" in tocsin("mail", "key", "export").stderr
    assert "TOCSIN_MAIL_FROM" in tocsin("mail", "key", "make").stderr
    made = json.loads(tocsin("mail", "key", "make", "--json", mail_from="cirt@cirt.example").stdout)
    assert len(made["fingerprint"]) == 40 and made["before"] == ""
    key = ready / "keys" / "openpgp.key"
    assert key.stat().st_mode & 0o777 == 0o600
    public = tocsin("mail", "key", "export").stdout
    assert public.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----") and "PRIVATE" not in public
    second = tocsin("mail", "key", "make", "--email", "cirt@cirt.example")
    assert (second.returncode, made["fingerprint"] in second.stderr) == (1, True)
    replaced = tocsin("mail", "key", "import", key, "--replace", "--json")
    assert json.loads(replaced.stdout)["before"] == made["fingerprint"]


def test_what_is_no_key_is_refused_by_a_sentence(ready: Path, tocsin: Command, tmp_path: Path) -> None:
    (tmp_path / "no.key").write_text("no key")
    assert "no OpenPGP private key" in tocsin("mail", "key", "import", tmp_path / "no.key").stderr
    assert "cannot be read" in tocsin("mail", "key", "import", tmp_path / "missing").stderr
    assert "cannot be read" in tocsin("mail", "key", "import", tmp_path).stderr


def test_settings_of_mail_that_cannot_be_used_are_named(ready: Path, tocsin: Command) -> None:
    lines = tocsin(
        "doctor", smtp_url="http://me:secret-word@x", mail_from="Team <cirt@x>", mail_domain="no domain"
    ).stdout
    assert "secret-word" not in lines
    for name in ("TOCSIN_SMTP_URL: it is no address", "TOCSIN_MAIL_FROM: it is no", "TOCSIN_MAIL_DOMAIN: it is no"):
        assert name in lines
    alone = tocsin("doctor", smtp_url="smtp://127.0.0.1:25").stdout
    assert "TOCSIN_MAIL_FROM: mail has no sender" in alone
