"""`python -m tocsin` and the `tocsin` command."""

import sys


def main() -> int:
    """Run the command line; return its exit code."""
    try:
        from tocsin.site.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # before the command line was read, or while an answer to Ctrl-C was given
        return 130


if __name__ == "__main__":
    sys.exit(main())
