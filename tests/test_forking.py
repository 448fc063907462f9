"""Processes that are forked for tests are processes like any other."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import forking
from tests.commands import ROOT, environment


def python(code: str, *arguments: str, given: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run code as tests run commands."""
    return forking.run(["-c", code, *arguments], environment(ROOT / "nowhere", **settings), given=given)


def test_what_is_printed_comes_back_with_the_exit_code() -> None:
    done = python("import sys; print('x' * 200_000); print('é', file=sys.stderr); sys.exit(7)")
    assert (len(done.stdout), done.stderr, done.returncode) == (200_001, "é\n", 7)
    assert python("pass").returncode == 0
    failed = python("1 / 0")
    assert (failed.returncode, failed.stderr.splitlines()[-1]) == (1, "ZeroDivisionError: division by zero")
    killed = python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert (killed.returncode, killed.stdout) == (-9, "")


def test_it_has_arguments_input_environment_and_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tell = "import os, sys; print(sys.argv, os.getcwd(), os.environ['TOCSIN_PORT'], len(os.listdir('/proc/self/fd')))"
    said = f"['-c', 'a\\udcff'] {tmp_path} 8001 4\n"  # input, output, error, and the folder that is listed
    assert python(f"{tell}; print(sys.stdin.read())", "a\udcff", given="é", port="8001").stdout == f"{said}é\n"
    assert python("import os; print('TOCSIN_PORT' in os.environ)").stdout == "False\n"


def test_what_python_reads_at_its_start_is_heeded() -> None:
    code = "import sys; print(sys.flags.utf8_mode, len(sys.path))"
    for changed in ({"PYTHONUTF8": "1"}, {"PYTHONPATH": f"{ROOT / 'src'}:/somewhere"}):
        surroundings = {**environment(ROOT), **changed}
        anew = subprocess.run([sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, cwd=ROOT)
        assert forking.run(["-c", code], surroundings).stdout == anew.stdout


def test_no_setting_has_been_read_nor_anything_loaded_that_reads_one() -> None:
    ours = python("import sys; print(*(name for name in sys.modules if name.partition('.')[0] == 'tocsin'))")
    loaded = set(ours.stdout.split())
    assert {"tocsin.engine.run", "tocsin.site.cli.feed"} <= loaded
    assert {name for name in loaded if name.endswith((".models", ".settings", ".queries"))} == set()
    configured = python("from django.conf import settings; from django.apps import apps; print(settings.configured)")
    assert configured.stdout == "False\n"


def test_a_module_is_the_main_one_as_the_interpreter_has_it() -> None:
    done = forking.run(["-m", "tocsin", "--version"], environment(ROOT))
    anew = subprocess.run(
        [sys.executable, "-m", "tocsin", "--version"], env=environment(ROOT), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, anew.stdout, anew.stderr)
    code = "import json, sys; main = sys.modules['__main__']; print(main.__name__, main.__spec__ is None)"
    assert python(code).stdout == "__main__ True\n"


def test_several_run_at_once(tmp_path: Path) -> None:
    """Whoever opens one end of a pipe waits for the other: one after the other they would wait in vain."""
    os.mkfifo(tmp_path / "pipe")
    ends = [f"print(open({str(tmp_path / 'pipe')!r}, {mode!r}).fileno() > 2)" for mode in ("r", "w")]
    with ThreadPoolExecutor(2) as pool:
        assert [done.stdout for done in pool.map(python, ends)] == ["True\n"] * 2


def test_who_takes_too_long_is_killed() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        forking.run(["-c", "import time; time.sleep(60)"], environment(ROOT), timeout_s=0.2)
    assert python("print(1)").stdout == "1\n"
