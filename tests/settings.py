"""The product's settings in a data directory of the test run's own, so that no test touches anybody's `var/`.

In it passwords are kept at less cost.
"""

import atexit
import os
import shutil
import tempfile

os.environ["TOCSIN_HOME"] = tempfile.mkdtemp(prefix="tocsin-tests-")
os.environ.pop("TOCSIN_CONFIG", None)
atexit.register(shutil.rmtree, os.environ["TOCSIN_HOME"], ignore_errors=True)

from tocsin.site.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["tests.hashing.QuickArgon2"]

os.environ["DJANGO_SETTINGS_MODULE"] = "tocsin.site.settings"
"""What the processes that tests start shall use."""
