"""Two of the team decide about the same requests at once, in processes of their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.processes import Instance

NUMBER = 10
PREPARE = f"""
    from tocsin.audit.actors import COMMAND_LINE as BY
    from tocsin.directory import actions
    from tocsin.directory.choices import ChangeKind, ClaimKind
    from tocsin.directory.models import Constituent
    from tocsin.directory.wishes import Wish
    from tocsin.kernel import clock
    from tocsin.people.models import Person

    facts = {{"by": BY, "at": clock.now()}}
    actions.add_constituent(public_id="moh", name="Ministry", sector="health", **facts)
    row = Constituent.objects.get()
    actions.add_member(row, email="a@moh.example", name="", is_administrator=True, token="t", **facts)
    for number in range({NUMBER}):
        period = {{"valid_from": None, "valid_to": None}}
        network = {{"kind": ClaimKind.NETWORK, "value": f"10.{{number}}.0.0/16", **period}}
        actions.ask_for_change(Wish(row, ChangeKind.CLAIM, network), by=Person.objects.get(), at=clock.now())
"""
DECIDE = """
    import sys
    from tocsin.audit.actors import System
    from tocsin.directory import actions
    from tocsin.directory.models import ChangeRequest
    from tocsin.kernel import clock
    from tocsin.kernel.refusals import Conflict

    rows, facts = list(ChangeRequest.objects.all()), {"by": System(sys.argv[1]), "at": clock.now()}
    for row in rows:
        try:
            if sys.argv[1] == "refuses":
                actions.refuse_change(row, answer="No.", **facts)
            else:
                actions.approve_change(row, **facts)
        except Conflict as said:
            assert "decided already" in str(said), said
"""
RESULT = """
    from tocsin.audit.models import AuditRow
    from tocsin.audit.queries import verify
    from tocsin.directory.models import ChangeRequest, Claim

    codes = AuditRow.objects.values_list("code", flat=True)
    done = [code for code in codes if code in ("change.approved", "change.refused")]
    approved = ChangeRequest.objects.filter(state="approved").count()
    claims = Claim.objects.count()
    is_done_as_often = approved == claims == done.count("change.approved")
    print(len(done), ChangeRequest.objects.exclude(state="waits").count(), is_done_as_often, verify().broken_at)
"""


def test_each_request_is_decided_once_and_done_as_often_as_it_is_approved(instance: Instance) -> None:
    instance.run(PREPARE)
    with ThreadPoolExecutor(3) as hands:
        list(hands.map(lambda who: instance.run(DECIDE, who), ("approves", "approves too", "refuses")))
    assert instance.run(RESULT).split() == [str(NUMBER), str(NUMBER), "True", "None"]
