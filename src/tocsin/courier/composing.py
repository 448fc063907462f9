"""The bytes of a mail: plain text first, marked for how far it may travel, and safe whatever stands in it.

Everything that comes from people or tables (addresses, names, subjects, text) is checked here, once, and refused by a
sentence; what passes is encoded by the standard library. The bytes are made when a mail is queued, so that every try
sends the same.
"""

from __future__ import annotations

import dataclasses
import io
import re
import textwrap
import zipfile
from collections.abc import Iterable
from email import policy
from email.header import Header
from email.message import MIMEPart
from email.utils import format_datetime, formataddr

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from tocsin.courier import mail_addresses, protection, sealing, tokens
from tocsin.kernel import legible
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import InvalidInput, Unavailable
from tocsin.kernel.tlp import TLP

WIDTH = 78
"""Characters of a line of prose; lines that begin with a space (tables, commands) are left as they are."""
LONGEST_SUBJECT = 200
LONGEST_TEXT = 200_000
ZIPPED_ABOVE_BYTES = 200_000
LARGEST_BYTES = 10_000_000
"""Of all that is attached: more does not pass the mail servers of many."""
NOWHERE = "nobody@invalid"
"""Sender of what never leaves, where none is set."""
_POLICY = policy.SMTP.clone(max_line_length=WIDTH, cte_type="7bit")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ZIPPED_AS_OF = (1980, 1, 1, 0, 0, 0)
"""The same bytes whenever they are zipped."""


@dataclasses.dataclass(frozen=True)
class Attachment:
    """A file that goes along."""

    name: str
    """ASCII letters, digits, dots and dashes: what every system can store."""
    content: bytes
    type: str = "text/csv"


@dataclasses.dataclass(frozen=True)
class Mail:
    """What is to be said to one recipient."""

    to: str
    subject: str
    """Without the label: that is put before it."""
    text: str
    tlp: TLP
    name: str = ""
    language: str = ""
    """Of the recipient; empty for the instance's."""
    attachments: tuple[Attachment, ...] = ()
    openpgp_key: str = dataclasses.field(default="", repr=False)
    """The recipient's, armoured; empty when none is known."""
    sign: bool = False
    encrypt: bool = False
    """Wanted whatever the label; from AMBER on it is done without being asked."""
    is_personal: bool = False
    """About nothing but its reader's own account: it says no label, and goes as it is."""


@dataclasses.dataclass(frozen=True)
class Composed:
    """A mail as it is sent."""

    to: str
    subject: str
    content: bytes
    protection: str


def compose(mail: Mail, *, key: str, at: Instant, never_leaves: bool = False) -> Composed:
    """Return the bytes of a mail whose Message-ID is made of `key`.

    Raises InvalidInput for what cannot be sent so, Conflict when it may not go in clear, and Unavailable when the
    instance has no sender or no key to sign with.
    """
    to = mail_addresses.checked(mail.to, where="to")
    with translation.override(mail.language or settings.LANGUAGE_CODE):
        if mail.is_personal:
            decision, subject, footer = protection.Decision(encrypts=False), _subject(mail.subject), ""
        else:
            decision = protection.decide(mail.tlp, mail.openpgp_key, wants=mail.encrypt, at=at)
            subject, footer = f"[{mail.tlp.label}] {_subject(mail.subject)}", _footer(mail.tlp)
        said = "\n".join(textwrap.wrap(decision.says, WIDTH))
        text = "\n\n".join(filter(None, (_text(mail.text), said, footer)))
    entity = _entity(text + "\n", mail.attachments)
    sealed = sealing.seal(entity, sign=mail.sign, to=mail.openpgp_key if decision.encrypts else "", at=at)
    content = _head(mail, to, subject, key=key, at=at, never_leaves=never_leaves) + sealed.entity
    return Composed(to, subject, content, sealed.how)


def sender(*, never_leaves: bool = False) -> str:
    """Return the address that all mail comes from. Raises Unavailable where none is set."""
    if not settings.TOCSIN.mail_from and not never_leaves:
        raise Unavailable(_("Mail is not set up. Set TOCSIN_SMTP_URL and TOCSIN_MAIL_FROM."))
    return settings.TOCSIN.mail_from or NOWHERE


def domain() -> str:
    """Return the domain of Message-IDs and of addresses that come back."""
    return settings.TOCSIN.mail_domain or sender(never_leaves=True).rpartition("@")[2]


def envelope_sender(key: str) -> str:
    """Return where a bounce of the message goes: to an address of its own, where such are read."""
    if settings.TOCSIN.mail_domain:
        return f"bounces+{tokens.make('bounce', key)}@{domain()}"
    return sender()


def _head(mail: Mail, to: str, subject: str, *, key: str, at: Instant, never_leaves: bool) -> bytes:
    """Return the head without what describes the content."""
    lines = {
        "From": _addressed(settings.TOCSIN.team_name, sender(never_leaves=never_leaves)),
        "To": _addressed(mail_addresses.checked_name(mail.name), to),
        "Reply-To": f"reply+{tokens.make('reply', key)}@{domain()}" if settings.TOCSIN.mail_domain else "",
        "Subject": _encoded(subject, "Subject"),
        "Date": format_datetime(at),
        "Message-ID": f"<{key}@{domain()}>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": mail.language or settings.LANGUAGE_CODE,
        "MIME-Version": "1.0",
    }
    return "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value).encode("ascii")


def _encoded(text: str, header: str) -> str:
    """Return a text as a header carries it: folded, in the words of RFC 2047 where it goes beyond ASCII.

    By the older class of the standard library: the newer one loses spaces between folded words.
    """
    return Header(text, "us-ascii" if _is_plain(text) else "utf-8", maxlinelen=WIDTH, header_name=header).encode(
        linesep="\r\n"
    )


def _is_plain(text: str) -> bool:
    """Say whether a text may stand in a header as it is: what looks like an encoded word would be read as another."""
    return text.isascii() and "=?" not in text


def _addressed(name: str, address: str) -> str:
    return formataddr((name, address)) if _is_plain(name) else f"{_encoded(name, 'From')}\r\n <{address}>"


def _subject(subject: str) -> str:
    """Return a subject that is one line, and shows what it says."""
    if len(subject) > LONGEST_SUBJECT:
        words = _("The subject has {number} characters; {most} are the most.")
        raise InvalidInput(words.format(number=len(subject), most=LONGEST_SUBJECT), where="subject")
    if said := legible.flaw(subject):
        raise InvalidInput(_(said), where="subject")
    if not subject.strip():
        raise InvalidInput(_("There is no subject."), where="subject")
    return legible.shown(subject.strip())


def _text(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        words = _("The text has {number} characters; {most} are the most.")
        raise InvalidInput(words.format(number=len(text), most=LONGEST_TEXT), where="text")
    if said := legible.flaw(text, lines=True):
        raise InvalidInput(_(said), where="text")
    if not text.strip():
        raise InvalidInput(_("There is no text."), where="text")
    lines = legible.unturned(text).replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    return "\n".join(wrapped for line in lines for wrapped in _wrapped(line))


def _wrapped(line: str) -> Iterable[str]:
    if len(line) <= WIDTH or line[0].isspace():
        return [line]
    return textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False)


def _footer(tlp: TLP) -> str:
    return "\n".join((f"-- \n{tlp.label}", *textwrap.wrap(_meaning(tlp), WIDTH)))


def _meaning(tlp: TLP) -> str:
    """Return in one sentence what the reader may do with what is so marked."""
    return {
        TLP.CLEAR: _("You may pass this on to anybody."),
        TLP.GREEN: _("You may pass this on within your community, but do not publish it."),
        TLP.AMBER: _(
            "Pass this on only within your organisation and to its clients, and only to those who need it to act."
        ),
        TLP.AMBER_STRICT: _("Pass this on only within your organisation, and only to those who need it to act."),
        TLP.RED: _("This is for you alone. Do not pass it on to anybody."),
    }[tlp]


def _entity(text: str, attachments: tuple[Attachment, ...]) -> bytes:
    """Return the content with the lines of its head that describe it."""
    part = MIMEPart(policy=_POLICY)
    part.set_content(text, charset="utf-8", cte="quoted-printable")
    if not attachments:
        return part.as_bytes()
    files = [_zipped(_checked(each)) for each in attachments]
    if sum(len(file.content) for file in files) > LARGEST_BYTES:
        words = _("What is attached has more than {most} bytes, zipped.")
        raise InvalidInput(words.format(most=f"{LARGEST_BYTES:,}"), where="attachments")
    whole = MIMEPart(policy=_POLICY)
    whole["Content-Type"] = "multipart/mixed"
    whole.set_payload([part, *map(_attached, files)])
    whole.set_boundary(_boundary())
    return whole.as_bytes()


def _boundary() -> str:
    """Return what stands between parts: by lot, so that nobody can write a text that contains it."""
    return f"part-{tokens.new_key()}"


def _attached(file: Attachment) -> MIMEPart:
    part = MIMEPart(policy=_POLICY)
    kind, _slash, subtype = file.type.partition("/")
    part.set_content(file.content, maintype=kind, subtype=subtype, filename=file.name)
    return part


def _checked(file: Attachment) -> Attachment:
    if not _FILE.fullmatch(file.name):
        words = _("{value!r} is not fit to be the name of a file that goes along.")
        raise InvalidInput(words.format(value=legible.shown(file.name[:100])), where="attachments")
    return file


def _zipped(file: Attachment) -> Attachment:
    """Return a large file as an archive that holds it."""
    if len(file.content) <= ZIPPED_ABOVE_BYTES:
        return file
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        inside = zipfile.ZipInfo(file.name, _ZIPPED_AS_OF)
        inside.compress_type = zipfile.ZIP_DEFLATED
        inside.external_attr = 0o600 << 16
        archive.writestr(inside, file.content)
    return Attachment(f"{file.name}.zip", buffer.getvalue(), "application/zip")
