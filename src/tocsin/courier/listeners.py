"""What the room does when others' things happen: a signed head of the audit trail is mailed out."""

from __future__ import annotations

from tocsin.audit.events import HeadSigned
from tocsin.audit.listening import listens_to
from tocsin.courier import heads
from tocsin.kernel import clock


@listens_to(HeadSigned)
def head_signed(_event: HeadSigned) -> None:
    """Mail the head to those who keep it."""
    heads.mail_last_head(at=clock.now())
