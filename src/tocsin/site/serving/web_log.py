"""The web server's own log lines, which may repeat the address that was asked for."""

from __future__ import annotations

from typing import Any

from gunicorn import glogging

from tocsin.site.log_lines import Discreet


class Logger(glogging.Logger):  # type: ignore[misc]
    """gunicorn's, without secrets."""

    def setup(self, cfg: Any) -> None:
        """Set up its handlers."""
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            if not isinstance(handler.formatter, Discreet):
                handler.setFormatter(Discreet(handler.formatter))
