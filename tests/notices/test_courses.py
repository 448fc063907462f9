"""What came back told nobody: of a telling, of a step, soon or late."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from tests.notices.test_planning import AT, DAY
from tocsin.notices.choices import Happening, NoticeState, Whom, Why
from tocsin.notices.courses import Before, Entry, Telling, after, courses, known, told_at
from tocsin.notices.rules import Answered

SOC = Telling(AT, "moh", 0, Whom.SECURITY, "SOC@moh.example", Why.NEW, 0)
SECOND = Telling(AT, "moh", 1, Whom.SECOND, "it@moh.example", Why.ESCALATED, 0)
PARENT = Telling(AT, "moh", 2, Whom.PARENT, "ciso@state.example", Why.ESCALATED, 0)
REGULATOR = PARENT._replace(step=3, whom=Whom.REGULATOR, to="ciso@bank.example")
LIST = SOC._replace(why=Why.DIGEST)


def day(number: int) -> dt.datetime:
    return AT + number * DAY


def sent(number: int, telling: Telling, notice: int = 0, what: str = NoticeState.SENT) -> Entry:
    """Return that a telling left on a day; its notice has the number of the day where none is given."""
    return Entry(day(number), notice or number, what, telling._replace(at=day(number)))


def back(number: int, entry: Entry) -> Entry:
    return entry._replace(at=day(number), what=NoticeState.BOUNCED)


def test_who_was_told_of_what_in_which_order_is_known() -> None:
    before = known([sent(1, SOC), sent(3, SECOND), sent(6, PARENT), sent(8, LIST)])
    assert before == Before(
        "moh", day(1), day(8), 2, 0, None, day(8), day(6), Why.NEW, (), ("it@moh.example", "soc@moh.example")
    )


def test_of_what_came_back_nobody_knows() -> None:
    first = sent(1, SOC)
    assert known([first, back(2, first)]) is None


def test_what_had_gone_before_is_known_when_that_it_came_again_came_back_undelivered() -> None:
    course = [sent(1, SOC), sent(3, SECOND)]
    again = sent(20, SOC._replace(why=Why.RETURNED, returns=1))
    assert known([*course, again, back(21, again)]) == known(course)


def test_what_was_told_against_an_answer_is_not_told_when_that_came_back() -> None:
    course = [sent(1, SOC), sent(3, SECOND)]
    against = sent(20, SOC._replace(why=Why.ESCALATED))
    before = known([*course, against, back(20, against)])
    assert before and (before.last_at, before.step) == (day(3), 1)


def test_a_step_that_came_back_was_not_done() -> None:
    step = sent(3, SECOND)
    before = known([sent(1, SOC), step, back(4, step)])
    assert before and (before.step, before.stepped_at, before.people) == (0, None, ("soc@moh.example",))


def test_what_came_back_late_is_owed_while_others_know_of_it() -> None:
    first, second = sent(1, SOC), sent(3, SECOND)
    before = known([first, second, back(5, first)])
    assert before and (before.owed, before.opened, before.first_at) == ((0,), Why.NEW, day(3))
    made_up = after(before, SOC._replace(at=day(6)))
    assert (made_up.owed, made_up.step, made_up.security_at, made_up.first_at) == ((), 1, day(6), day(3))
    assert known([first, second, back(5, first), sent(6, SOC)]) == made_up


def test_a_step_is_owed_when_a_later_one_was_told() -> None:
    second, parent = sent(3, SECOND), sent(6, PARENT)
    before = known([sent(1, SOC), second, parent, back(7, second)])
    assert before and (before.owed, before.step, before.stepped_at) == ((1,), 2, day(6))
    made_up = after(before, SECOND._replace(at=day(8), to="deputy@moh.example"))
    assert (made_up.owed, made_up.step, made_up.stepped_at) == ((), 2, day(6)), "the next waits from the latest step"


def test_a_weekly_list_that_came_back_takes_nothing_away() -> None:
    course, weekly = [sent(1, SOC), sent(3, SECOND)], sent(8, LIST)
    assert known([*course, weekly, back(9, weekly)]) == known(course)


def test_what_was_sent_once_more_is_told() -> None:
    first = sent(1, SOC)
    before = known([first, back(2, first), sent(4, SOC, notice=1)])
    assert before and before.first_at == day(4)


def test_what_came_back_and_was_read_all_the_same_is_told() -> None:
    first = sent(1, SOC)
    before = known([first, back(2, first), sent(4, SOC, 1, NoticeState.READ)])
    assert before and (before.first_at, before.reacted_at) == (day(4), day(4))


def test_what_was_refused_and_is_read_on_own_pages_is_told_by_that() -> None:
    before = known([sent(4, SOC, 1, NoticeState.BOUNCED), sent(5, SOC, 1, NoticeState.READ)])
    assert before and (before.first_at, before.people) == (day(5), ("soc@moh.example",))


def test_what_is_read_late_says_no_more_than_when_it_was_written() -> None:
    """Whoever said meanwhile that it is fixed, and is seen all the same, is told once more."""
    answer = Answered("moh", day(3), is_quiet=False)
    refused, first = sent(2, SOC, 1, NoticeState.BOUNCED), sent(2, SOC)
    for ledger in (
        [refused, sent(4, SOC, 1, NoticeState.READ)],
        [first, back(4, first), sent(5, SOC, 2, NoticeState.READ)],
    ):
        before = known(ledger)
        assert before and (before.said_at, before.last_at) == (day(2), ledger[-1].at) and answer.reopens(before)
    again = sent(5, SOC._replace(why=Why.ESCALATED))
    before = known([refused, sent(4, SOC, 1, NoticeState.READ), again])
    assert before and before.said_at == before.last_at == day(5) and not answer.reopens(before)
    others = known([sent(1, SOC, 7), refused, sent(4, SOC, 1, NoticeState.READ)])
    assert others and (others.first_at, others.said_at) == (day(1), day(2))


def test_who_acts_on_what_came_back_need_not_have_read_it() -> None:
    """The answer stands on the own pages, whoever gave it: the contact knows nothing of the finding."""
    first = sent(1, SOC)
    assert known([first, back(2, first), sent(4, SOC, 1, NoticeState.ACTED)]) is None


def test_who_reads_late_what_came_back_joins_those_who_were_told_meanwhile() -> None:
    first, deputy = sent(1, SOC), sent(3, SOC._replace(to="deputy@moh.example"))
    (course,) = courses([first, back(2, first), deputy, sent(4, SOC, 1, NoticeState.READ)])
    before = course.before()
    assert before and before.people == ("deputy@moh.example", "soc@moh.example") and before.first_at == day(3)


def test_who_reads_late_of_an_earlier_course_changes_nothing_of_this_one() -> None:
    first, again = sent(1, SOC), sent(9, SOC._replace(why=Why.RETURNED, returns=1))
    read = sent(10, SOC, 1, NoticeState.READ)
    before = known([first, back(2, first), again, read])
    assert before == known([again])._replace(reacted_at=day(10))  # type: ignore[union-attr]


def test_another_who_holds_it_begins_a_course_of_its_own() -> None:
    found = courses([sent(1, SOC), sent(5, SOC._replace(constituent="bank"))])
    assert [len(each.told) for each in found] == [1, 1]
    before = found[-1].before()
    assert before and before.constituent == "bank"


def test_a_reaction_belongs_to_the_course_of_its_day() -> None:
    reply = sent(2, SOC, 1, Happening.REPLIED)
    anew = sent(9, SOC._replace(why=Why.RETURNED, returns=1))
    before = known([sent(1, SOC), reply, anew])
    assert before and not before.has_reacted
    before = known([sent(1, SOC), reply, anew, back(10, anew)])
    assert before and before.reacted_at == day(2)


def test_nothing_is_owed_by_a_course_of_which_nobody_knows() -> None:
    again = sent(20, SOC._replace(why=Why.RETURNED, returns=1))
    entries = [sent(1, SOC), again, back(21, again), sent(22, SOC._replace(why=Why.RETURNED, returns=1))]
    before = known(entries)
    assert before and (before.lost, before.first_at, before.opened) == ((), day(22), Why.RETURNED)


HAPPENED = (NoticeState.SENT, NoticeState.BOUNCED, NoticeState.READ, NoticeState.ACTED, Happening.REPLIED)


@given(st.lists(st.sampled_from(HAPPENED), max_size=8))
def test_of_one_notice_alone_courses_and_its_ledger_say_the_same(drawn: list[str]) -> None:
    ledger: list[Entry] = []
    for what in drawn:
        number = len(ledger) + 1
        if what == NoticeState.SENT and told_at((each.what, each.at) for each in ledger):
            continue  # it leaves again only when nobody was told
        ledger.append(sent(number, SOC, notice=1, what=what))
    told = [telling.at for course in courses(ledger) for _notice, telling in course.told]
    at = told_at((each.what, each.at) for each in ledger)
    assert told == ([at] if at else [])
