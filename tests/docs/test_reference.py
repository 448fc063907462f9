"""Every setting, command and dependency is explained; nothing is explained that is not there."""

from __future__ import annotations

import argparse
import dataclasses
import re
import tomllib
from collections.abc import Iterator

import pytest

from tests.commands import ROOT
from tocsin.site.cli.parser import build_parser
from tocsin.site.config import Config

PREPARE = "apt install git make python3 python3-venv"
REFERENCE = ROOT / "docs/reference"
HOUR = "docs/tutorial/your-first-hour"


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def test_every_setting_has_its_row_and_every_row_its_setting() -> None:
    explained = re.findall(r"^\| `TOCSIN_(\w+)` \|", page("settings"), re.M)
    assert sorted(explained) == sorted(field.name.upper() for field in dataclasses.fields(Config))


def test_the_defaults_of_settings_are_as_explained() -> None:
    rows = dict(re.findall(r"^\| `TOCSIN_(\w+)` \| (.+?) \|", page("settings"), re.M))
    words = {None: "none", "": "empty", (): "none", False: "`no`"}
    for field in dataclasses.fields(Config):
        if field.name == "home":
            continue
        if isinstance(field.default, tuple) and field.default:
            assert rows[field.name.upper()] == ", ".join(f"`{value}`" for value in field.default)
        elif (field.default in words and field.default != 0) or field.default is False:
            assert rows[field.name.upper()] == words[field.default]
        else:
            assert rows[field.name.upper()] == f"`{field.default}`", field.name


def commands(parser: argparse.ArgumentParser, name: str = "tocsin") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that can be run, with its parser."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield name, parser
    for action in inner:
        for word, child in action.choices.items():
            yield from commands(child, f"{name} {word}")


COMMANDS = dict(commands(build_parser()))


def sections() -> dict[str, str]:
    parts = re.split(r"^## (tocsin .+)$", page("commands"), flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_each_of_its_options_is_explained(command: str) -> None:
    section = sections()[command]
    options = [max(action.option_strings, key=len) for action in COMMANDS[command]._actions if action.option_strings]
    assert [option for option in options if option != "--help" and f"`{option}" not in section] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_choice_of_an_option_is_explained(command: str) -> None:
    section = sections()[command]
    section += "".join(sections()[f"tocsin {other}"] for other in re.findall(r"as for `([\w -]+)`", section))
    choices = [str(choice) for action in COMMANDS[command]._actions for choice in action.choices or ()]
    words = set(re.findall(r"[\w-]+", section))
    numbers = {
        str(number) for low, high in re.findall(r"(\d)-(\d)", section) for number in range(int(low), int(high) + 1)
    }
    assert [choice for choice in choices if choice not in words | numbers] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_default_that_is_named_is_that_of_the_command(command: str) -> None:
    named = re.findall(r"^- `(--[a-z-]+)[^`\n]*`: [^(\n]*\((\d+)[;)]", sections()[command], re.M)
    defaults = {option: action.default for action in COMMANDS[command]._actions for option in action.option_strings}
    # None: what the command does without the option is more than a number.
    assert [(option, number) for option, number in named if defaults[option] not in (int(number), None)] == []
    assert len(named) >= {"tocsin feed run": 1, "tocsin feed map": 1, "tocsin feed watch": 2}.get(command, 0)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_argument_of_a_command_is_named(command: str) -> None:
    positional = [str(action.metavar) for action in COMMANDS[command]._actions if not action.option_strings]
    assert [name for name in positional if name not in sections()[command]] == []


def test_no_option_is_explained_that_is_not_there() -> None:
    for command, section in sections().items():
        known = {option for action in COMMANDS[command]._actions for option in action.option_strings}
        listed = re.findall(r"^- (.+?):", section, re.M)
        explained = {option for line in listed for option in re.findall(r"`(--[\w-]+)", line)}
        assert explained - known == set(), command


def test_no_command_is_explained_that_is_not_there() -> None:
    assert set(sections()) <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_in_its_help_what_it_is_for(command: str) -> None:
    assert COMMANDS[command]._actions, command
    for action in COMMANDS[command]._actions:
        assert action.help or not action.option_strings, f"{command}: {action.dest} has no help"


def locked(name: str) -> set[str]:
    lock = (ROOT / name).read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9][a-z0-9-]*)(?:\[[a-z,]+\])?==", lock, re.M))


def explained_dependencies() -> set[str]:
    first_cells = re.findall(r"^\| ([a-z][a-z0-9, -]+) \|", page("dependencies"), re.M)
    return {name.strip() for cell in first_cells for name in cell.split(",")} - {"package"}


def test_every_dependency_is_argued_for() -> None:
    assert locked("requirements.lock") - explained_dependencies() == set()


def test_no_dependency_is_argued_for_that_is_not_installed() -> None:
    assert explained_dependencies() - locked("requirements.lock") - {"dask", "distributed"} == set()


def test_every_tool_of_the_developers_is_named() -> None:
    lines = (ROOT / "tools/requirements-dev.in").read_text(encoding="utf-8").splitlines()
    tools = [line for line in lines if line and not line.startswith("#")]
    assert [tool for tool in tools if tool not in page("dependencies").split("## Tools")[1]] == []


def test_the_full_product_has_forty_dependencies_at_most() -> None:
    installing = {"editables", "hatchling", "pathspec", "pluggy", "tomlkit", "trove-classifiers"}
    assert len(locked("requirements.lock") - installing) <= 40


def downloads(name: str) -> set[str]:
    """Return how many MB are downloaded, by the sentences of a document that speak of it."""
    text = " ".join((ROOT / f"{name}.md").read_text(encoding="utf-8").split())
    speaking = [sentence for sentence in re.split(r"\. |: ", text) if re.search("download|télécharge", sentence)]
    return {number for sentence in speaking for number in re.findall(r"\b(\d+)\s(?:MB|Mo)\b", sentence)}


def test_what_is_downloaded_is_the_same_number_wherever_it_is_said() -> None:
    measured = re.search(r"(\d+) MB for `make run`", page("dependencies"))
    assert measured
    said = {name: downloads(name) for name in ("README", "README.fr", "docs/how-to/install", HOUR, f"{HOUR}.fr")}
    assert said == {name: {measured[1]} for name in said}


def test_both_readmes_open_with_the_two_commands_and_the_line_that_prepares_them() -> None:
    for name in ("README.md", "README.fr.md"):
        opening = "\n".join((ROOT / name).read_text(encoding="utf-8").splitlines()[:45])
        for line in (
            "apt install git make python3 python3-venv",
            "make run",
            "make test",
            "docs/pictures/situation.png",
        ):
            assert line in opening, f"{name} does not open with {line}"


def test_the_version_has_its_entry_in_the_changelog() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
