"""Standard output whose failure is told apart from that of the instance: what a command did stays done.

And standard error that goes on where it cannot be written: a command does its work whether or not it is heard.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from tocsin.kernel.refusals import Unavailable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Unprinted(Unavailable):
    """What a command had to say could not be written."""


# The buffers are ours and not the files behind them: Ctrl-C falls into Python between a write and its answer, and what
# was written would be taken for lost and written once more. What is in a buffer is in it once.


class _Output(io.BufferedWriter):
    """Standard output: says of a failure where it was. A reader that has gone is none."""

    def write(self, data: ReadableBuffer, /) -> int:
        with _saying_where():
            return super().write(data)

    def flush(self) -> None:
        with _saying_where():
            super().flush()


@contextlib.contextmanager
def _saying_where() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unprinted(
            f"what it says cannot be written to standard output ({error.strerror}). What it did stays done."
        ) from error


class _Complaints(io.BufferedWriter):
    """Standard error: once it cannot be written (its reader has gone, the disk is full), it goes nowhere."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            _turn_away(self.fileno())
            return super().write(data)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            _turn_away(self.fileno())
            super().flush()


def watch() -> None:
    """Let what is printed from now on fail with Unprinted, and complaints that nobody reads not fail at all.

    A stream that is not the process's is left as it is.
    """
    sys.stdout = _through(_Output, sys.stdout, sys.__stdout__)
    sys.stderr = _through(_Complaints, sys.stderr, sys.__stderr__)


def _through(buffer: type[io.BufferedWriter], own: TextIO, of_process: TextIO | None) -> TextIO:
    """Return a stream that writes as `own` does, by a buffer of another kind."""
    if own is not of_process or not isinstance(own, io.TextIOWrapper):  # somebody else's, or closed
        return own
    own.flush()
    return io.TextIOWrapper(
        buffer(io.FileIO(own.fileno(), "wb", closefd=False)),
        encoding=own.encoding,
        errors=own.errors,
        line_buffering=own.line_buffering or buffer is _Complaints,
    )


def turn_away() -> None:
    """Point standard output to nowhere, so that the interpreter's last flush does not complain."""
    _turn_away(1)


def _turn_away(handle: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, handle)
    os.close(nowhere)
