"""Count the SQL queries of pages, in this process through Django's test client: the product says nothing of them.

    TOCSIN_HOME=DIR python -m bench.pages.counted EMAIL FILE

FILE holds a JSON array of addresses. Prints one JSON object: for each the queries of the first time that it is asked
for after an import, and of the next time.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def counted(client: Any, path: str) -> int:
    """Return how many queries one page took. Raises ValueError when there is no such page."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        status = client.get(path).status_code
    if status not in (200, 302):
        raise ValueError(f"{path} was answered with {status}.")
    return len(asked)


def main(email: str, file: Path) -> None:
    """Count, and print."""
    from tocsin.site.starting import set_up_django

    set_up_django()
    from django.db.models import F
    from django.test import Client

    from tocsin.feeds.models import Manifest
    from tocsin.people.access import SECOND_FACTOR
    from tocsin.people.models import Person

    client, person = Client(SERVER_NAME="127.0.0.1"), Person.objects.get(email=email)
    client.force_login(person)
    session = client.session
    session[SECOND_FACTOR] = person.pk
    session.save()
    found = {}
    for path in json.loads(file.read_text(encoding="utf-8")):
        Manifest.objects.update(version=F("version") + 1)
        found[path] = [counted(client, path), counted(client, path)]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
