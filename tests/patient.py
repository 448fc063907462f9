"""The product's settings with pages that wait as long as `PATIENCE_S` says, so that a busy machine is no matter."""

import os

from tocsin.site.settings import *  # noqa: F403

PAGES_WAIT_S = float(os.environ["PATIENCE_S"])
