"""What does not fit of a question or a body, in the reader's language: pydantic and the pure rooms speak English."""

from __future__ import annotations

import re
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tocsin.feeds import reasons

# fmt: off
SENTENCES: dict[str, Promise] = {
    "missing": _("This is needed."),
    "extra_forbidden": _("Nothing here is called that."),
    "literal_error": _("This must be one of: {expected}."),
    "greater_than_equal": _("This must be {ge} or more."),
    "less_than_equal": _("This must be {le} or less."),
    "int": _("This must be a whole number."),
    "date": _("This must be a day, like 2026-03-31."),
    "string": _("This must be text."),
    "string_too_long": _("This is longer than {max_length} characters."),
    "list": _("This must be a list."),
    "model": _("This must be an object with names and values."),
}
# fmt: on
"""Kind of mistake, or its first word where several are one to a reader → what is said. In braces what pydantic adds."""
OTHERWISE = _("This was not understood.")


def said(mistake: dict[str, Any]) -> str:
    """Return the sentence on one of pydantic's mistakes. What a field itself refused is said in its own words."""
    kind, added = str(mistake["type"]), dict(mistake.get("ctx") or {})
    if kind == "value_error":
        return str(mistake["msg"]).removeprefix("Value error, ")
    if "expected" in added:
        added["expected"] = ", ".join(re.findall(r"'([^']*)'", str(added["expected"])))
    sentence = SENTENCES.get(kind) or SENTENCES.get(kind.partition("_")[0]) or OTHERWISE
    return str(sentence).format(**added)


def place(mistake: dict[str, Any]) -> str:
    """Return the name of what is wrong: without what ninja puts before it, and of a list without the number.

    Of a body as a whole it is `body`.
    """
    names = [str(part) for part in mistake["loc"][1:] if not isinstance(part, int) and part not in ("asked", "body")]
    return ".".join(names) or str(mistake["loc"][0])


def unread(problem: str) -> str:
    """Return why a body cannot be read: what `strict_json` says of it. Reports that are JSON are refused alike."""
    return reasons.said(problem) if reasons.known(problem) else f"{reasons.said(problem.removesuffix('.'))}."
