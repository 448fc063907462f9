"""What the room does when others' things happen: a signed head of the audit trail is mailed out.

Every command and process registers listeners; what they do is loaded when it is done.
"""

from __future__ import annotations

from tocsin.audit.events import HeadSigned
from tocsin.audit.listening import listens_to
from tocsin.kernel import clock


@listens_to(HeadSigned)
def head_signed(_event: HeadSigned) -> None:
    """Mail the head to those who keep it."""
    from tocsin.courier import heads

    heads.mail_last_head(at=clock.now())
