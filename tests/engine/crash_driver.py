"""Import the same reports again and again, each time killed with SIGKILL at another point: crash_driver FOLDER

FOLDER holds `base`, a store with its manifest, and `reports`. For each point a copy of the store is made,
`killed-NNN`, and a child imports into it until it reaches the point. `whole` is the copy of a run that was not killed.
Prints the names of the points, in order, as JSON.
"""

from __future__ import annotations

import itertools
import json
import os
import pickle
import shutil
import signal
import sys
from pathlib import Path

from tests.engine.manifest import Bench
from tocsin.engine.executors import Threads
from tocsin.kernel import durable

MANIFEST = "manifest"


class DurableBench(Bench):
    """An engine whose manifest is one file that is replaced as a whole: a commit either happened or did not."""

    def save(self) -> None:
        """Commit."""
        temporary = self.root.with_suffix(".writing")
        temporary.write_bytes(pickle.dumps(self.manifest))
        temporary.replace(self.root / MANIFEST)

    def load(self) -> DurableBench:
        """Take the manifest as it was committed last."""
        self.manifest = pickle.loads((self.root / MANIFEST).read_bytes())
        return self

    def debris(self) -> set[str]:
        """Return the files in the store that nothing names."""
        return super().debris() - {MANIFEST}


def run(folder: Path, name: str, killed_at: int | None) -> list[str]:
    """Import into a copy of the store; return the points that were passed."""
    shutil.copytree(folder / "base", folder / name)
    passed: list[str] = []

    def checkpoint(point: str) -> None:
        passed.append(point)
        if len(passed) - 1 == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    DurableBench(folder / name).load().run(sorted((folder / "reports").iterdir()), Threads(1), checkpoint)
    return passed


def main(folder: Path) -> int:
    """Run once for each point, then once to the end."""
    durable.sync = lambda _path: None  # what SIGKILL leaves needs no fsync
    DurableBench(folder / "base")  # reads the mappings, once for all children
    for number in itertools.count():
        child = os.fork()
        if child == 0:
            run(folder, f"killed-{number:03d}", number)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            break
    shutil.rmtree(folder / f"killed-{number:03d}")
    print(json.dumps(run(folder, "whole", None)))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
