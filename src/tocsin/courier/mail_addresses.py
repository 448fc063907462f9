"""Addresses of mail as they come from people and tables: one address, that can be written to, or a clear refusal.

Source: RFC 5321, sections 4.1.2 and 4.5.3.1 (form and length), RFC 5891 (names beyond ASCII). Pure but for the
language of its sentences.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from django.utils.translation import gettext as _

from tocsin.kernel import legible, scripts
from tocsin.kernel.refusals import InvalidInput

LONGEST = 254
LONGEST_LOCAL = 64
LONGEST_NAME = 100
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SEVERAL = re.compile(r"[,;\s]")


def checked(address: str, *, where: str = "email") -> str:
    """Return an address as it is written to a mail server: the name of the host in ASCII and small letters.

    Raises InvalidInput for several addresses, and for one that no mail can be sent to.
    """
    given = address.strip()
    shown = legible.shown(legible.unturned(given[:80]))

    def refused(words: str) -> InvalidInput:
        return InvalidInput(words.format(value=shown), where=where)

    if not given:
        raise InvalidInput(_("There is no address to write to."), where=where)
    if shown != given[:80] or legible.flaw(given):
        raise refused(_("{value!r} holds characters that cannot be seen; no mail is sent there."))
    if _SEVERAL.search(given) or given.count("@") > 1:
        raise refused(_("{value!r} is not one address: a message has one recipient."))
    local, at, host = given.rpartition("@")
    if not at or len(given) > LONGEST or len(local) > LONGEST_LOCAL or not _ATOMS.fullmatch(local):
        raise refused(_("{value!r} is not an address that mail can be sent to."))
    name = _in_ascii(host)
    if not name or len(local) + 1 + len(name) > LONGEST:
        raise refused(_("The host of {value!r} is none that mail can be sent to."))
    if said := deceit(given):
        raise InvalidInput(said, where=where)
    return f"{local}@{name}"


def deceit(address: str, known: Iterable[str] = ()) -> str:
    """Return in a sentence for what other host that of an address would be taken; empty where it would not.

    None of its labels may mix scripts that are not written together, and it may not look like one of the `known` hosts
    and be another. Source: `kernel.scripts`. What is written as xn--, as browsers send it, is looked at as it is read.
    """
    host = address.strip().rpartition("@")[2]
    given = _as_read(host)
    if given.isascii() or not (written := _in_ascii(host)):
        return ""
    shown = {"value": legible.shown(given[:80]), "written": written}
    if any(scripts.mixes_scripts(label) for label in given.split(".")):
        words = _("{value!r} mixes letters of several alphabets in one word, and leads to {written}. Type it anew.")
        return words.format(**shown)
    looks = next((host for host in known if host != given and scripts.taken_for(given) == host.lower()), "")
    words = _("{value!r} looks like {known}, and leads to another host, {written}. Type it anew.")
    return words.format(**shown, known=looks) if looks else ""


def mailbox(address: str) -> str:
    """Return an address so that two of one mailbox are equal: the host in ASCII, all in small letters.

    RFC 5321 lets a host tell letters by their case before the @, too; none does, and people do not.
    """
    local, _at, host = address.strip().rpartition("@")
    return f"{local}@{_in_ascii(host) or host}".casefold()


def other_form(address: str) -> str:
    """Return how mail servers write an address that people read otherwise, and how people read one that was written so.

    Nothing for what is the same in both, and for what would be taken for another.
    """
    local, _at, host = address.strip().rpartition("@")
    if host.isascii():
        read = _as_read(host)
        return f"{local}@{read}" if read != host.lower() and not deceit(address) else ""
    written = _in_ascii(host)
    return f"{local}@{written}" if written else ""


def _as_read(host: str) -> str:
    """Return the name of a host in small letters as people read it; as it is where that cannot be told."""
    return ".".join(_label_as_read(label) for label in host.lower().split("."))


def _label_as_read(label: str) -> str:
    """Return a label as it is read, by the newer rules, too, under which names are given out: ß and ς are in them.

    Source: RFC 5891, section 5.4: what could be written otherwise, or is not all seen, is no label.
    """
    if not label.startswith("xn--"):
        return label
    try:
        read = label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    is_one = not read.isascii() and read.isprintable() and read == unicodedata.normalize("NFKC", read.lower())
    return read if is_one and read.encode("punycode").decode() == label[4:] else label


def _in_ascii(host: str) -> str:
    """Return the name of a host as the domain name system has it; empty for what is none."""
    try:
        name = host.encode("idna").decode("ascii").lower()
        # The older rules that Python knows turn some letters into others: that would be another host.
        is_same = host.isascii() or name.encode("ascii").decode("idna") == host.lower()
    except UnicodeError:
        return ""
    labels = name.split(".")
    fit = len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
    return name if fit and is_same and len(name) <= 253 else ""


def checked_name(name: str, *, where: str = "name") -> str:
    """Return a person's name as it may stand beside an address. Raises InvalidInput for what steers or deceives."""
    given = name.strip(" ")
    if len(given) > LONGEST_NAME:
        words = _("It has {number} characters; {most} are the most.")
        raise InvalidInput(words.format(number=len(given), most=LONGEST_NAME), where=where)
    if said := legible.flaw(given):
        raise InvalidInput(_(said), where=where)
    if legible.shown(given) != given or "@" in given:
        words = _("{value!r} is not fit to stand beside an address.")
        raise InvalidInput(words.format(value=legible.shown(given)), where=where)
    return given
