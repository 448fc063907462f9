"""`tocsin serve`: run the web pages and the background work."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from tocsin.site.cli.answers import port, warn_of_unknown_variables

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `serve`."""
    parser = commands.add_parser(
        "serve",
        help="run the web pages and the background work",
        description="Run the web pages and the background work until stopped. Listens on this machine alone, unless "
        "TOCSIN_TLS_CERT and TOCSIN_TLS_KEY are set or TOCSIN_TRUSTED_PROXIES names a reverse proxy.",
    )
    parser.add_argument("--port", type=port, metavar="N", help="port to listen on (TOCSIN_PORT, else 8000)")
    parser.add_argument("--only", choices=("web", "worker"), help="run one of the two parts, to watch them apart")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until stopped."""
    import django  # noqa: F401  where it lacks, that is to be said, and not what follows from it

    from tocsin.site.addresses import moved
    from tocsin.site.config import load
    from tocsin.site.serving import serve

    config = load()
    warn_of_unknown_variables()
    remark = moved(config, options.port)
    if options.port is not None:
        config = dataclasses.replace(config, port=options.port)
    return serve(config, options.only, remark)
