"""Settings that no instance can run with are named, not tripped over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import Command
from tocsin.kernel.refusals import InvalidInput
from tocsin.kernel.tlp import TLP
from tocsin.site import config, settings

KEY = "k" * 40


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "99999", "99999 is not between 1 and 65535"),
        ("PORT", "http", "is not a whole number"),
        ("THREADS", "-3", "-3 is not between 0 and 64"),
        ("GONE_AFTER", "0", "0 is not between 1 and 365"),
        ("MEMORY_MB", "1", "1 is not between 128 and 65536"),
        ("RETENTION_DAYS", "ever", "is not a whole number"),
        ("RETENTION_DAYS", "29", "29 is not between 30 and 36500 days. Leave it out to keep them for ever"),
        ("RETENTION_DAYS_AMBER_STRICT", "-1", "-1 is not between 30 and 36500 days"),
        ("LANGUAGE", "xx", "'xx' is none of en, fr"),
        ("DATABASE_URL", "banana", "no address of a database"),
        ("DATABASE_URL", "mysql://user:secret@host/name", "no address of a database"),
        ("DATABASE_URL", "postgresql://user:secret@host:port/name", "its host or its port is none"),
        ("DATABASE_URL", "postgresql://user:secret@host:99999/name", "its host or its port is none"),
        ("DATABASE_URL", "postgresql://user:secret@[::1/name", "its host or its port is none"),
        ("DATABASE_URL", "postgresql://user:secret@host/name?foo=bar&sslmode=require", "PostgreSQL has no option foo"),
        ("SECRET_KEY", "a", "fewer than 32 letters"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_name(name: str, value: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=sentence) as refused:
        config.load({"TOCSIN_HOME": str(tmp_path), f"TOCSIN_{name}": value})
    assert f"TOCSIN_{name}" in str(refused.value)
    assert "secret@" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [("TOCSIN_CONFIG", "larger than 1 MiB"), ("TOCSIN_SECRET_KEY_FILE", "larger than 1 MiB")],
)
def test_a_file_of_settings_without_end_is_not_read_to_it(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=said):
        config.load({"TOCSIN_HOME": str(tmp_path), name: "/dev/zero"})


def test_a_file_of_a_secret_that_is_no_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match=r"TOCSIN_SECRET_KEY_FILE: .*key is not UTF-8 text"):
        config.load({"TOCSIN_HOME": str(tmp_path), "TOCSIN_SECRET_KEY_FILE": str(tmp_path / "key")})


def test_values_that_can_be_are_taken(tmp_path: Path) -> None:
    given = {"TOCSIN_PORT": "65535", "TOCSIN_LANGUAGE": "fr", "TOCSIN_SECRET_KEY": KEY, "TOCSIN_THREADS": "0"}
    found = config.load({"TOCSIN_HOME": str(tmp_path), "TOCSIN_DATABASE_URL": "postgresql://a@b/c", **given})
    assert (found.port, found.language, found.secret_key) == (65535, "fr", KEY)


def test_for_how_long_is_kept_is_set_by_label(tmp_path: Path) -> None:
    (tmp_path / "tocsin.toml").write_text("retention_days = 730\nretention_days_amber = 365\n")
    retention = config.load({"TOCSIN_HOME": str(tmp_path), "TOCSIN_RETENTION_DAYS_RED": "90"}).retention
    assert {label.value: retention.days(label) for label in TLP} == {
        "CLEAR": 730, "GREEN": 730, "AMBER": 365, "AMBER+STRICT": 365, "RED": 90,
    }  # fmt: skip
    assert not config.load({"TOCSIN_HOME": str(tmp_path / "other")}).retention.is_set


def test_what_is_marked_more_strictly_is_not_kept_for_longer(tmp_path: Path) -> None:
    given = {"TOCSIN_HOME": str(tmp_path), "TOCSIN_RETENTION_DAYS": "60", "TOCSIN_RETENTION_DAYS_RED": "90"}
    with pytest.raises(InvalidInput, match="TOCSIN_RETENTION_DAYS_RED: 90 days are more than the 60"):
        config.load(given)


def test_a_finding_has_time_to_go_gone_before_its_rows_go(tmp_path: Path) -> None:
    given = {"TOCSIN_HOME": str(tmp_path), "TOCSIN_RETENTION_DAYS": "30", "TOCSIN_GONE_AFTER": "30"}
    with pytest.raises(InvalidInput, match="30 is not between 37 and 36500 days"):
        config.load(given)


def test_a_list_for_one_word_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tocsin.toml").write_text('language = ["fr"]\n')
    with pytest.raises(InvalidInput, match="none of en, fr"):
        config.load({"TOCSIN_HOME": str(tmp_path)})


def test_the_languages_that_may_be_set_are_those_of_the_pages() -> None:
    assert tuple(code for code, _ in settings.LANGUAGES) == config.LANGUAGES


@pytest.mark.parametrize("command", ["doctor", "init", "serve"])
def test_commands_say_it_in_a_sentence(tocsin: Command, command: str) -> None:
    done = tocsin(command, language="xx")
    assert done.returncode == 1
    assert "TOCSIN_LANGUAGE" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("port", ["99999", "0", "http"])
def test_a_port_that_is_none_is_wrong_usage(tocsin: Command, port: str) -> None:
    done = tocsin("serve", "--port", port)
    assert (done.returncode, "--port" in done.stderr) == (2, True)


def test_variables_that_are_no_settings_are_named_with_the_nearest() -> None:
    given = {"TOCSIN_LANGUGE": "fr", "TOCSIN_DATABSE_URL_FILE": "x", "TOCSIN_COLOUR_OF_ALL": "red"}
    others = {"TOCSIN_TEST_FEEDS": "x", "TOCSIN_BENCH_DATA": "x", "TOCSIN_HOME": "x", "TOCSIN_CONFIG": "x"}
    said = [str(each) for each in config.unknown_variables(given | others | {"TOCSIN_SECRET_KEY_FILE": "x"})]
    assert said == [
        "TOCSIN_COLOUR_OF_ALL: there is no such setting; it does nothing. Take it out.",
        "TOCSIN_DATABSE_URL_FILE: there is no such setting; it does nothing. Is it TOCSIN_DATABASE_URL_FILE?",
        "TOCSIN_LANGUGE: there is no such setting; it does nothing. Is it TOCSIN_LANGUAGE?",
    ]


def test_init_and_doctor_name_a_misspelt_variable(tocsin: Command) -> None:
    said = "TOCSIN_LANGUGE: there is no such setting; it does nothing. Is it TOCSIN_LANGUAGE?"
    done = tocsin("init", languge="fr")
    assert (done.returncode, done.stderr) == (0, f"tocsin: {said}\n")
    doctor = tocsin("doctor", languge="fr")
    mend, remark = doctor.stdout.splitlines()
    assert (doctor.returncode, mend) == (1, f"settings: one is not known. {said}")
    assert remark.startswith("accounts: no national administrator can sign in yet."), "it is worth saying then, too"


@pytest.mark.parametrize("query", ["", "?sslmode=require&connect_timeout=3", "?currentSchema=tocsin"])
def test_options_that_postgresql_has_are_taken(query: str, tmp_path: Path) -> None:
    address = f"postgresql://a:b@[::1]:5432/c{query}"
    assert config.load({"TOCSIN_HOME": str(tmp_path), "TOCSIN_DATABASE_URL": address}).database_url == address


@pytest.mark.parametrize(("query", "seconds"), [("", 10), ("?connect_timeout=30", 30)])
def test_a_server_that_is_cut_off_is_given_up_soon(query: str, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given = config.Config(database_url=f"postgresql://a@b/c{query}")
    monkeypatch.setattr(settings, "CONFIG", given)
    found = settings._database()
    assert found["OPTIONS"]["connect_timeout"] == seconds
    assert (found["HOST"], found["CONN_MAX_AGE"], found["CONN_HEALTH_CHECKS"]) == ("b", 60, True)
