"""`python -m tocsin` and the `tocsin` command."""

import sys


def main() -> int:
    """Run the command line; return its exit code."""
    from tocsin.site.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
