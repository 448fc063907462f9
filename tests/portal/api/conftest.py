"""The store and the week of the feeds' tests, and the program of a member of the ministry."""

from __future__ import annotations

import pytest

from tests.cast import Cast
from tests.feeds.conftest import Store, store, week
from tests.portal.api.asking import Program, key_of, member

__all__ = ["store", "week"]


@pytest.fixture
def program(week: Store, cast: Cast) -> Program:
    """The program of a member of the ministry."""
    return Program(key_of(member(cast.contact, "moh")))
