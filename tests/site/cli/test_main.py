"""The door of the command line: what Python does beside the command is kept small."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from tocsin.__main__ import OBJECTS_BETWEEN_LOOKS, main


@pytest.fixture(autouse=True)
def _garbage_as_it_was() -> Iterator[None]:
    """Leave Python's garbage collector as this test found it."""
    before = gc.get_threshold()
    gc.unfreeze()  # what was collected (tests.discipline)
    yield
    gc.freeze()
    gc.set_threshold(*before)


@pytest.mark.parametrize("arguments", [["--version"], ["no such command"]])
def test_what_a_command_has_loaded_is_not_looked_through_for_garbage(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["tocsin", *arguments])
    monkeypatch.delitem(sys.modules, "_duckdb", raising=False)  # other tests have loaded it
    assert gc.get_freeze_count() == 0
    with pytest.raises(SystemExit):
        main()
    assert gc.get_threshold()[0] == OBJECTS_BETWEEN_LOOKS
    assert gc.get_freeze_count() > OBJECTS_BETWEEN_LOOKS  # when the process ends, nothing is left to be looked at


@pytest.mark.parametrize(
    "arguments",
    [
        ("feed", "run"),
        ("feed", "watch"),
        ("feed", "read"),
        ("feed", "map"),
        ("feed", "schema", "load"),
        ("directory", "import"),
        ("directory", "load-asn"),
        ("backup",),
        ("restore",),
        ("demo", "--home"),
    ],
)
@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_name_is_not_the_current_folder(
    arguments: tuple[str, ...], empty: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from tocsin.site.cli.parser import run

    with pytest.raises(SystemExit) as stopped:
        run([*arguments, empty])

    assert stopped.value.code == 2
    assert "it is empty: name a file or a folder" in capsys.readouterr().err
