"""What the forms of several rooms share: what they ask for is done, and refusals stand beside their fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms

from tocsin.kernel.refusals import InvalidInput, Refusal


def accepted(
    form: forms.Form, act: Callable[[], object], mistakes: Callable[[dict[str, Any]], Iterable[Refusal]]
) -> bool:
    """Do what a valid form asks for; False with each refusal beside its field when it is refused.

    Where the form is not whole, `mistakes` says what is wrong with the answers that are: all is named at once.
    """
    if not form.is_valid():
        _refuse(form, list(mistakes(form.cleaned_data)))
        return False
    try:
        act()
    except Refusal as refusal:
        _refuse(form, [refusal, *refusal.further])
        return False
    return True


def _refuse(form: forms.Form, refusals: Iterable[Refusal]) -> None:
    for each in refusals:
        said = " ".join(filter(None, (each.problem, each.remedy))) if isinstance(each, InvalidInput) else str(each)
        form.add_error(each.where if each.where in form.fields else None, said)
