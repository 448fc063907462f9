"""Programs of members, and what they ask."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.test import Client

from tests.feeds.conftest import AT
from tocsin.audit.actors import COMMAND_LINE
from tocsin.directory import actions as directory
from tocsin.directory.models import Constituent
from tocsin.kernel import clock
from tocsin.people import actions, keys
from tocsin.people.models import Person

FINDINGS = "/api/v1/my/findings"


def member(person: Person, *organisations: str, is_administrator: bool = False) -> Person:
    """Let somebody belong to organisations."""
    for public_id in organisations:
        row = Constituent.objects.get(public_id=public_id)
        facts: dict[str, Any] = {"email": person.email, "name": "", "is_administrator": is_administrator, "token": ""}
        directory.add_member(row, **facts, by=COMMAND_LINE, at=AT)
    return person


def key_of(person: Person, *scopes: str, days: int = 9) -> str:
    """Make somebody a key and return it."""
    at, secret = clock.now(), keys.new_secret()
    wanted = scopes or ("findings:read",)
    until = at + dt.timedelta(days=days)
    actions.make_api_key(person, name="Dashboard", scopes=wanted, secret=secret, expires_at=until, by=person, at=at)
    return secret


class Program:
    """Asks the API with a key; without one where it is empty."""

    def __init__(self, key: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def ask(self, address: str = FINDINGS, headers: dict[str, str] | None = None, **asked: Any) -> Any:
        """Return the answer."""
        return self.client.get(address, asked, headers={**self.headers, **(headers or {})})

    def said(self, address: str = FINDINGS, **asked: Any) -> dict[str, Any]:
        """Return what an answer says as JSON."""
        answer = self.ask(address, **asked)
        assert answer.status_code == 200, answer.content
        said: dict[str, Any] = json.loads(answer.content)
        return said

    def stream(self, **asked: Any) -> tuple[Any, bytes]:
        """Return an answer that streams JSON lines, and its bytes."""
        answer = self.ask(format="jsonl", **asked)
        assert answer.status_code == 200, answer.content
        return answer, b"".join(answer.streaming_content)

    def pages(self, limit: int = 3, **asked: Any) -> tuple[list[list[dict[str, Any]]], str]:
        """Return every page of a reading, and the cursor for changes."""
        found: list[list[dict[str, Any]]] = []
        onward = asked.pop("cursor", "")
        while True:
            said = self.said(limit=limit, **asked, **({"cursor": onward} if onward else {}))
            found.append(said["findings"])
            if said["next"] is None:
                return found, said["changes"]
            onward = said["next"]


def whole(lines: bytes) -> list[dict[str, Any]]:
    """Return the findings of the lines that came whole."""
    told = [json.loads(line) for line in lines.split(b"\n")[:-1]]
    return [each for each in told if "id" in each]


def ids(records: Any) -> list[str]:
    """Return the ids of findings."""
    return [each["id"] for each in records]
