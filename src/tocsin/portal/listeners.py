"""What the room does when others' things happen: webhooks of organisations are told.

Every command and process registers listeners; what they do is loaded when it is done.
"""

from __future__ import annotations

from tocsin.audit.listening import listens_to
from tocsin.feeds.events import RunCommitted
from tocsin.kernel import clock
from tocsin.notices.choices import NoticeState
from tocsin.notices.events import NoticeMoved


@listens_to(RunCommitted)
def run_committed(event: RunCommitted) -> None:
    """Tell what an import brought."""
    from tocsin.portal import webhooks

    webhooks.announce_run(event.run, at=clock.now())


@listens_to(NoticeMoved)
def notice_moved(event: NoticeMoved) -> None:
    """Tell that a notice was sent."""
    if event.what != NoticeState.SENT:
        return
    from tocsin.notices.models import Notice
    from tocsin.portal import webhooks

    webhooks.announce_notice(Notice.objects.select_related("constituent").get(reference=event.notice), at=clock.now())
