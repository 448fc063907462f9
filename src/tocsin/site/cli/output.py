"""Standard output whose failure is told apart from that of the instance: what a command did stays done."""

from __future__ import annotations

import io
import os
import sys

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


def watch() -> None:
    """Let what is printed from now on fail with Unprinted. Does nothing where standard output is not the process's."""
    own = sys.stdout
    if own is None or own is not sys.__stdout__ or not isinstance(own, io.TextIOWrapper):
        return
    own.flush()
    buffer = io.BufferedWriter(_Raw(own.fileno(), "wb", closefd=False))
    sys.stdout = io.TextIOWrapper(
        buffer,
        encoding=own.encoding,
        errors=own.errors,
        line_buffering=own.line_buffering,
        write_through=own.write_through,
    )


def turn_away() -> None:
    """Point standard output to nowhere, so that the interpreter's last flush does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
