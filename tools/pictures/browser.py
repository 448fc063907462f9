"""Which Chromium the pictures and the tests drive: the system's, or Playwright's own where the system has none.

    python -m tools.pictures.browser

Exits 1 and says why where there is none that starts. `tools/install-test-system` asks it, maybe before Playwright is
there: only where the system has no browser it is wanted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

PLACES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
SCRIPT_BYTES = 65_536
"""More than a script that starts a browser is long."""


def of_the_system(root: Path = Path("/")) -> str | None:
    """Return where the system's browser is; None where it has none, or only a bridge to a snap."""
    found = (root / place.lstrip("/") for place in PLACES)
    return next((str(path) for path in found if path.exists() and not _is_bridge(path)), None)


def launch(playwright: Playwright) -> Browser:
    """Start the browser without a window; Playwright looks for its own where the system has none."""
    return playwright.chromium.launch(executable_path=of_the_system(), args=ARGUMENTS)


def main() -> int:
    """Return 0 where there is a browser; else say why not and return 1."""
    if of_the_system():
        return 0
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            launch(playwright).close()
        except Error as error:
            print(error.message, file=sys.stderr)
            return 1
    return 0


def _is_bridge(path: Path) -> bool:
    """Tell whether it only calls a snap (as on Ubuntu), which runs in a cage of its own and cannot be driven."""
    if path.resolve().name == "snap":
        return True
    with path.open("rb") as file:
        start = file.read(SCRIPT_BYTES)
    return start.startswith(b"#!") and b"/snap/" in start


if __name__ == "__main__":
    sys.exit(main())
