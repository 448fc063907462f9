"""What the room does when messages leave, move or come back, and findings are answered: their notices are moved on.

Every command and process registers listeners; what they do is loaded when it is done.
"""

from __future__ import annotations

from tocsin.audit.listening import listens_to
from tocsin.courier.anew import Anew, looked_at_by
from tocsin.courier.events import MessageDismissed, MessageGivenUp, MessageRefused, MessageSent
from tocsin.courier.incoming.events import AutomaticMailReceived, MailBounced, ReplyReceived
from tocsin.courier.incoming.received import ReceivedMessage
from tocsin.courier.models import OutgoingMessage
from tocsin.feeds.events import FindingsAnswered
from tocsin.kernel import clock
from tocsin.kernel.clock import Instant
from tocsin.kernel.events import Event
from tocsin.notices.choices import ROOM

MOVED: tuple[type[Event], ...] = (MessageSent, MessageRefused, MessageGivenUp, MessageDismissed)
CAME_BACK: tuple[type[Event], ...] = (MailBounced, ReplyReceived, AutomaticMailReceived)


def message_leaves(message: OutgoingMessage, at: Instant) -> Anew:
    """Return what a notice says now that it leaves."""
    from tocsin.notices import leaving

    return leaving.look_anew(message, at)


def message_moved(event: Event) -> None:
    """Write down what became of a message of a notice."""
    from tocsin.courier.queries import message_keyed
    from tocsin.notices import following

    told = event.as_data()
    message = message_keyed(told["message"]) if told["reference_room"] == ROOM else None
    if message is not None:
        following.follow_message(message, at=clock.now())


def mail_came_back(event: Event) -> None:
    """Write down what came back about a notice."""
    from tocsin.notices import following

    received = ReceivedMessage.objects.filter(pk=event.as_data()["received"]).first()
    if received is not None:
        following.follow_received(received, at=clock.now())


def findings_answered(event: Event) -> None:
    """Note that the notices of these findings were acted on."""
    from tocsin.feeds.models import Answer
    from tocsin.notices import following

    told = event.as_data()
    answers = Answer.objects.filter(finding__in=told["answered"], constituent=told["constituent"])
    following.follow_answers(answers, at=clock.now())


looked_at_by(ROOM, message_leaves)
listens_to(FindingsAnswered)(findings_answered)
for _kind in MOVED:
    listens_to(_kind)(message_moved)
for _kind in CAME_BACK:
    listens_to(_kind)(mail_came_back)
