"""What a web process loads to show pages: it has 250 MB, of which PyArrow and NumPy alone would take a good part."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.feeds.reports import write
from tests.homes import Home

VISIT = """
import sys
from tocsin.site.starting import set_up_django
set_up_django()
from django.conf import settings
settings.ALLOWED_HOSTS = ["*"]
from tests.feeds.pages import signed_in
from tocsin.people.models import Person
person = Person(email="a@cirt.example", name="A", role="analyst")
person.save()
browser = signed_in(person)
for path in sys.argv[1:]:
    answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    b"".join(answer)
assert not {"numpy", "pyarrow"} & set(sys.modules), "a page has loaded the engine"
print("visited", len(sys.argv) - 1)
"""


def test_no_page_loads_the_engine(ready: Path, tmp_path: Path) -> None:
    home = Home(ready)
    home.done("feed", "run", write(tmp_path / "reports", 0, range(1, 9)))
    one = home.done("finding", "list", "--json", "--limit", "1").partition('"id": "')[2].partition('"')[0]
    pages = [
        "/", "/findings/", "/findings/?q=a", "/findings/export.csv", "/findings/export.xlsx", f"/findings/{one}/",
        "/feeds/", "/feeds/runs/1/", "/feeds/quarantine/", "/directory/unattributed/", "/directory/",
        "/search/?q=192.0.2.0/24", "/health",
    ]  # fmt: skip
    environment = {
        "TOCSIN_HOME": str(ready),
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": "src:.",
        "DJANGO_SETTINGS_MODULE": "tocsin.site.settings",
    }
    # A process of its own: those that tests fork have loaded everything.
    visit = [sys.executable, "-c", VISIT, *pages]
    done = subprocess.run(visit, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == f"visited {len(pages)}"
