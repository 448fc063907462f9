"""Pages as a signed-in person gets them, with the gate, the middleware and the templates in between."""

from __future__ import annotations

import html
import re
from typing import Any

from django.test import Client

from tocsin.feeds import queries
from tocsin.people.access import SECOND_FACTOR
from tocsin.people.models import Person


def signed_in(person: Person) -> Client:
    """Return a browser of a person who has shown both factors."""
    client = Client()
    client.force_login(person)
    session = client.session
    session[SECOND_FACTOR] = person.pk
    session.save()
    return client


def main_of(response: Any) -> str:
    """Return the main part of a page as it was sent."""
    return str(response.content.decode()).partition("<main")[2].partition("</main>")[0]


def text(response: Any) -> str:
    """Return what stands in the main part, without marks."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", main_of(response)).split()))


def rows(response: Any) -> list[str]:
    """Return the where-cells of a list, in order."""
    found = re.findall(r'<td class="where">(.*?)</td>', main_of(response))
    return [re.sub(r"<[^>]+>", "", cell) for cell in found]


def links(response: Any) -> list[str]:
    """Return the addresses that the main part leads to."""
    return [html.unescape(each) for each in re.findall(r'href="([^"]+)"', main_of(response))]


def ids(**asked: Any) -> list[str]:
    """Return the public ids of findings, in the order of their assets."""
    found = queries.findings().page(queries.Filter(**asked), sort="asset", descending=False, limit=50)
    return [queries.finding_id(finding) for finding in found]
