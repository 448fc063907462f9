"""`python -m tocsin` and the `tocsin` command."""

import gc
import os
import sys

OBJECTS_BETWEEN_LOOKS = 50_000
"""For garbage among new objects; Python's own 700 are passed some two hundred times while a command is loaded."""


def main() -> int:
    """Run the command line; return its exit code."""
    # What a command loads, it keeps until it ends: to look through that for garbage again and again, and several times
    # more at the end, cost every command a fifth of a second.
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS)
    # Nothing here solves equations: NumPy need not start a thread for each processor to be ready for them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from tocsin.site.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # before the command line was read, or while an answer to Ctrl-C was given
        return 130
    finally:
        if "_duckdb" not in sys.modules:  # which counts what is left of it, and complains on standard error
            gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
