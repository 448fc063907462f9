"""What was ordered on a page and came to nothing is not forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.feeds.conftest import AT, Store
from tests.feeds.pages import main_of, signed_in, text
from tocsin.audit.actors import COMMAND_LINE
from tocsin.audit.models import AuditRow
from tocsin.feeds import intake
from tocsin.feeds.actions.orders import dismiss_order, retry_order
from tocsin.feeds.choices import RunState
from tocsin.feeds.models import Run
from tocsin.feeds.ordering import carry_out
from tocsin.feeds.orders import orders
from tocsin.jobs import queue, registry, worker
from tocsin.jobs.choices import State
from tocsin.jobs.models import Job
from tocsin.kernel.refusals import Conflict


@pytest.fixture
def browser(week: Store, cast: Cast, settings: Any) -> Client:
    """The analyst's, where a web process leaves the work to a worker."""
    settings.WORK_BY_JOBS = True
    registry.load()
    return signed_in(cast.analyst)


def overtaken(browser: Client) -> Job:
    """Order a withdrawal that somebody at a terminal has made before the worker comes to it; return its job."""
    browser.post("/feeds/runs/4/withdraw/", {"reason": "Wrong."})
    intake.withdraw(Run.objects.get(pk=4), reason="Sooner.", by=COMMAND_LINE, at=AT)
    while worker.do_next("worker"):
        pass
    return Job.objects.get(kind="feeds.ordered", state=State.FAILED)


def test_an_order_that_waits_is_shown(browser: Client) -> None:
    browser.post("/feeds/runs/4/withdraw/", {"reason": "Wrong."})

    for path in ("/feeds/", "/feeds/runs/4/"):
        page = text(browser.get(path))
        assert "What was ordered and is not done" in page and "Withdraw run 4" in page and "Waiting" in page
    assert "What was ordered" not in text(browser.get("/feeds/runs/3/"))
    while worker.do_next("worker"):
        pass
    assert orders() == [] and "What was ordered" not in text(browser.get("/feeds/"))


@pytest.mark.parametrize(("verb", "what"), [("withdraw", {"reason": "Wrong."}), ("replay", {})])
def test_a_button_that_is_pressed_twice_orders_once(browser: Client, verb: str, what: dict[str, str]) -> None:
    for told in ("It is being done.", "That is ordered already, and will be done in a minute or so."):
        assert told in text(browser.post(f"/feeds/runs/4/{verb}/", what, follow=True))
    assert len(orders(4)) == 1
    while worker.do_next("worker"):
        pass

    assert orders() == []


@pytest.mark.parametrize("verb", ["withdraw", "replay"])
def test_a_page_from_before_a_withdrawal_orders_nothing(browser: Client, verb: str) -> None:
    intake.withdraw(Run.objects.get(pk=4), reason="Sooner.", by=COMMAND_LINE, at=AT)

    page = browser.post(f"/feeds/runs/4/{verb}/", {"reason": "Wrong."}, follow=True)

    assert "Run 4 has no report that counts." in text(page) and orders() == []


def test_an_order_that_was_refused_stands_there_with_its_sentence(browser: Client, cast: Cast) -> None:
    overtaken(browser)

    for path in ("/feeds/", "/feeds/runs/4/"):
        page = text(browser.get(path))
        assert "Failed Withdraw run 4 run 4 has no report that counts." in page
        assert cast.analyst.audit_label in page and "Try again" in page


def test_it_is_tried_again_or_taken_off_the_list(browser: Client) -> None:
    job = overtaken(browser)

    page = browser.post(f"/feeds/orders/{job.pk}/", {"wanted": "retry"}, follow=True)
    assert "It is tried again." in text(page) and [order.failed for order in orders()] == [False]
    while worker.do_next("worker"):
        pass
    assert [order.failed for order in orders()] == [True]
    page = browser.post(f"/feeds/orders/{job.pk}/", {"wanted": "dismiss"}, follow=True)
    assert "Taken off the list." in text(page) and orders() == []
    assert browser.post(f"/feeds/orders/{job.pk}/", {"wanted": "dismiss"}).status_code == 404
    codes = AuditRow.objects.filter(code__startswith="order.").order_by("sequence")
    assert [(row.code, row.data["order"]) for row in codes] == [
        ("order.retried", "Withdraw run 4"),
        ("order.dismissed", "Withdraw run 4"),
    ]
    assert Run.objects.get(pk=4).state == RunState.WITHDRAWN


def test_an_auditor_sees_it_and_changes_nothing(browser: Client, cast: Cast) -> None:
    job = overtaken(browser)
    auditor = signed_in(cast.auditor)

    page = auditor.get("/feeds/")
    assert "has no report that counts" in text(page) and "/feeds/orders/" not in main_of(page)
    assert auditor.post(f"/feeds/orders/{job.pk}/", {"wanted": "dismiss"}).status_code == 403
    assert orders()


def test_attribution_that_failed_counts_until_a_later_one_was_done(store: Store) -> None:
    failed = queue.enqueue("feeds.reattribute", at=AT)
    Job.objects.filter(pk=failed.pk).update(state=State.FAILED, last_error="The disk is full.", finished_at=AT)
    assert [(order.what, order.reason) for order in orders()] == [("Attribute open findings anew", "The disk is full.")]

    later = queue.enqueue("feeds.reattribute", at=AT)
    Job.objects.filter(pk=later.pk).update(state=State.DONE, finished_at=AT)

    assert orders() == []


def test_of_two_who_decide_at_once_the_second_is_told(browser: Client, cast: Cast, monkeypatch: Any) -> None:
    """Both had the page open: the one who is late changes nothing, and the trail says nothing of it."""
    stale = overtaken(browser)
    retry_order(Job.objects.get(pk=stale.pk), by=cast.analyst, at=AT)

    for decide in (retry_order, dismiss_order):
        with pytest.raises(Conflict, match="Somebody else"):
            decide(stale, by=cast.analyst, at=AT)
    monkeypatch.setattr("tocsin.feeds.views.feeds.order_numbered", lambda _pk: stale)
    page = browser.post(f"/feeds/orders/{stale.pk}/", {"wanted": "dismiss"}, follow=True)

    assert "Somebody else has just had this order tried again" in text(page)
    assert "Taken off the list" not in text(page)
    assert Job.objects.get(pk=stale.pk).state == State.WAITING
    assert list(AuditRow.objects.filter(code__startswith="order.").values_list("code", flat=True)) == ["order.retried"]


def test_a_withdrawal_whose_worker_was_killed_after_it_was_done_is_done(browser: Client, cast: Cast) -> None:
    browser.post("/feeds/runs/4/withdraw/", {"reason": "Wrong."})
    carry_out("withdraw", by=cast.analyst, at=AT, run=4, reason="Wrong.")

    while worker.do_next("another"):
        pass

    assert orders() == []
    assert AuditRow.objects.filter(code="run.withdrawn").count() == 1
