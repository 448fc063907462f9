"""Files that the manifest names and that are missing or damaged: how whoever meets one says so.

Apart from `wholeness`, which looks for them: pages come here, and must not load PyArrow.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path, PurePath

from tocsin.kernel.refusals import Unavailable

MET_THERE = (ValueError, LookupError, TypeError, NotImplementedError)
"""What Arrow raises for bytes that make no sense, beside errors of files that have no number."""


class LostFile(Unavailable):
    """A file of the store is missing or damaged. Named by `file`, relative to the store."""

    def __init__(self, file: str) -> None:
        self.file = file
        super().__init__(f"{file} is missing or damaged. Run `tocsin doctor`: it says what mends it.")

    def __reduce__(self) -> tuple[type[LostFile], tuple[str]]:
        """Travel from the worker of a cluster as what it is."""
        return type(self), (self.file,)


def named(path: PurePath | str) -> str:
    """Return the path of a file of the store as the manifest holds it: kind, type and name."""
    return "/".join(PurePath(path).parts[-3:])


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what is said when a Parquet file cannot be read into LostFile."""
    try:
        yield
    except OSError as error:
        if error.errno not in (None, errno.ENOENT, errno.EIO):  # Arrow's own, about damaged data, have no number
            raise
        raise LostFile(named(path)) from error
    except MET_THERE as error:
        raise LostFile(named(path)) from error
