"""Whatever is wrong with a question or an answer is said in the reader's language."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from tests.portal.api.asking import Program
from tests.portal.api.test_api import problem
from tocsin.portal import api
from tocsin.site import misread

pytestmark = pytest.mark.django_db
BAD: tuple[Any, ...] = (
    None, "", "x", "0", "-1", "9" * 30, "1.5", "a" * 10_000, "2026-02-30", "2026-03-01T12:00", "\x00",
    -1, 1.5, True, [], ["x"], {}, {"x": 1},
)  # fmt: skip


@pytest.mark.parametrize("model", [api.FindingsAsked, api.NoticesAsked, api.AnswerGiven])
def test_every_mistake_has_a_sentence(model: Any) -> None:
    """A field of a kind that no other has, or a newer pydantic, would show here."""
    kinds: dict[str, dict[str, Any]] = {}
    names = [field.alias or name for name, field in model.model_fields.items()]
    wrong: list[Any] = [{name: bad} for name in [*names, "unknown"] for bad in BAD] + [{}, [], "x", 7, None]
    for each in wrong:
        try:
            model.__pydantic_validator__.validate_python(each, context={"request": _Nothing()})
        except ValidationError as error:
            kinds |= {one["type"]: dict(one) for one in error.errors()}
    assert len(kinds) > 5
    unsaid = [kind for kind, mistake in kinds.items() if misread.said(mistake) == str(misread.OTHERWISE)]
    assert not unsaid
    assert not [one for one in map(misread.said, kinds.values()) if "{" in one or "Input" in one]


class _Nothing:
    """A request that asks for nothing."""

    GET: ClassVar[dict[str, str]] = {}


def test_they_are_told_in_french_and_place_by_place(program: Program) -> None:
    french = {"Accept-Language": "fr"}
    asked = {"limit": "0", "state": ["zz", "yy", "new"], "seen_since": "soon", "severity": "7"}
    said = problem(program.ask(headers=french, **asked), 422)
    assert said["errors"] == [
        {"where": "state", "detail": "Valeurs admises\u00a0: new, still, returned, gone, open."},
        {"where": "severity", "detail": "Valeur maximale\u00a0: 6."},
        {"where": "seen_since", "detail": "Indiquez un jour, par exemple 2026-03-31."},
        {"where": "limit", "detail": "Valeur minimale\u00a0: 1."},
    ]
    assert said["detail"].startswith("state: Valeurs admises")
