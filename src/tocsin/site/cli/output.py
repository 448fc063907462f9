"""Standard output whose failure is told apart from that of the instance: what a command did stays done.

And standard error that goes on where nobody reads it: a command does its work whether or not it is heard.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from tocsin.kernel.refusals import Unavailable


class Unprinted(Unavailable):
    """What a command had to say could not be written."""


class _Raw(io.FileIO):
    """The file behind standard output."""

    def write(self, data: object, /) -> int | None:  # type: ignore[override]
        """Write, and say of a failure where it was. A reader that has gone is none."""
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Unprinted(
                f"what it says cannot be written to standard output ({error.strerror}). What it did stays done."
            ) from error


class _Unheard(io.FileIO):
    """The file behind standard error."""

    def write(self, data: object, /) -> int | None:  # type: ignore[override]
        """Write; to a reader that has gone, nothing."""
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            return memoryview(data).nbytes  # type: ignore[arg-type]


def watch() -> None:
    """Let what is printed from now on fail with Unprinted, and complaints that nobody reads not fail at all.

    A stream that is not the process's is left as it is.
    """
    sys.stdout = _through(_Raw, sys.stdout, sys.__stdout__)
    sys.stderr = _through(_Unheard, sys.stderr, sys.__stderr__)


def _through(raw: type[io.FileIO], own: TextIO, of_process: TextIO | None) -> TextIO:
    """Return a stream that writes as `own` does, by a file of another kind."""
    if own is not of_process or not isinstance(own, io.TextIOWrapper):  # somebody else's, or closed
        return own
    own.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(raw(own.fileno(), "wb", closefd=False)),
        encoding=own.encoding,
        errors=own.errors,
        line_buffering=own.line_buffering,
        write_through=own.write_through,
    )


def turn_away() -> None:
    """Point standard output to nowhere, so that the interpreter's last flush does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
