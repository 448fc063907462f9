"""Messages of Internet mail, read without trust: bytes to what they say, in time that grows with their length alone.

Pure: neither sends nor stores anything.
Words: mail, part, attachment, cap, bounce, automatic.
Doors: `read_message`, `is_automatic`, `read_bounce`, `is_of_address`, `understand`.
"""

from tocsin.formats.mail.automatic import is_automatic
from tocsin.formats.mail.bounces import is_of_address, read_bounce
from tocsin.formats.mail.message import Attachment, Bounce, Cap, Mail, Outcome
from tocsin.formats.mail.reading import read_message
from tocsin.formats.mail.understanding import Understood, understand

__all__ = [
    "Attachment",
    "Bounce",
    "Cap",
    "Mail",
    "Outcome",
    "Understood",
    "is_automatic",
    "is_of_address",
    "read_bounce",
    "read_message",
    "understand",
]
