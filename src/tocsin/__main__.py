"""`python -m tocsin` and the `tocsin` command."""

import atexit
import gc
import os
import sys
import threading

OBJECTS_BETWEEN_LOOKS = 50_000
"""For garbage among new objects; Python's own 700 are passed some two hundred times while a command is loaded."""
BY_CTRL_C = 130
STANDARD_ERROR = 2
"""The highest of the handles that every process has."""


def main() -> int:
    """Run the command line; return its exit code."""
    _let_no_file_take_the_place_of_a_closed_stream()
    # What a command loads, it keeps until it ends: to look through that for garbage again and again, and several times
    # more at the end, cost every command a fifth of a second.
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS)
    # Nothing here solves equations: NumPy need not start a thread for each processor to be ready for them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from tocsin.site.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # before the command line was read, or while an answer to Ctrl-C was given
        return BY_CTRL_C
    finally:
        if "_duckdb" not in sys.modules:  # which counts what is left of it, and complains on standard error
            gc.freeze()


def _let_no_file_take_the_place_of_a_closed_stream() -> None:
    """Let what is said go nowhere where standard streams are closed (`2>&-`): else a file is next."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= STANDARD_ERROR:
        os.set_inheritable(handle, True)
    os.close(handle)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115, PTH123


def entry() -> int:
    """Run the command line and end this process; return the exit code where others are to end it.

    What ended in good order is not taken apart: memory goes back to the system as a whole, which takes no time, where
    Python, Arrow and DuckDB would free piece by piece for a fifth of a second. What was asked to be done at the end is
    done. Where a thread goes on, or the last words cannot be written, Python ends the process as it always does.
    """
    code = main()
    try:
        if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
            return code
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # it is closed
                stream.flush()
    except KeyboardInterrupt:
        code = BY_CTRL_C
    except (OSError, ValueError):  # nobody reads, the disk is full; or it was closed
        return code
    os._exit(code)


if __name__ == "__main__":
    sys.exit(entry())
