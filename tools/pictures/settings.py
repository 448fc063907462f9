"""The product's settings with a language more, which runs from right to left: `scenes` has made its catalogue."""

from __future__ import annotations

import os

from tocsin.site.settings import *  # noqa: F403
from tocsin.site.settings import LANGUAGES, LOCALE_PATHS

LANGUAGES = [*LANGUAGES, ("ar", "العربية")]
LOCALE_PATHS = [*LOCALE_PATHS, os.environ["PICTURES_LOCALE"]]
