"""Whether a person wrote a message. What no person wrote is never answered (RFC 3834), and is nobody's reply."""

from __future__ import annotations

import functools
import tomllib
from typing import Any

from tocsin.formats.mail.message import Mail
from tocsin.kernel.reference_data import DATA

NULL_SENDER = "<>"
"""What bounces are sent from (RFC 5321): nobody, so that nothing comes back."""


@functools.cache
def _known() -> dict[str, Any]:
    return tomllib.loads((DATA / "mail" / "automatic.toml").read_text(encoding="utf-8"))


def is_automatic(mail: Mail, *, envelope_sender: str = "") -> bool:
    """Say whether a message comes from a program or a list.

    `envelope_sender` is what the mail server says, `<>` for nobody; empty when it does not say.
    """
    known = _known()
    written = {name.lower() for name, _ in mail.headers}
    if written & set(known["present"]) or mail.type in known["types"]:
        return True
    if NULL_SENDER in (envelope_sender.strip(), *(value.strip() for value in mail.values("return-path"))):
        return True
    if mail.sender_address.partition("@")[0] in known["senders"]:
        return True
    return any(
        _first_word(value) in words for name, words in known["values"].items() for value in mail.values(name)
    ) or any(
        _first_word(value) not in ("", word)
        for name, word in known["other_than"].items()
        for value in mail.values(name)
    )


def _first_word(value: str) -> str:
    return value.lower().replace(",", " ").replace(";", " ").partition("(")[0].strip().partition(" ")[0]
