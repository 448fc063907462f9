"""`tocsin user`: open accounts and let their people enrol."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tocsin.site.cli.answers import add_json_option, answer
from tocsin.site.starting import open_instance

if TYPE_CHECKING:
    from tocsin.people.models import Person

ROLES = (
    "national_administrator",
    "head_of_team",
    "analyst",
    "constituent_contact",
    "peer",
    "auditor",
    "observer",
)
"""As in `people.choices`, which cannot be read before Django is set up; a test compares."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `user` and its verbs."""
    verbs = commands.add_parser("user", help="open accounts and let their people enrol").add_subparsers(
        dest="verb", metavar="VERB", required=True
    )
    create = verbs.add_parser("create", help="open an account and print its one-time enrolment link")
    create.add_argument("--email", required=True, help="the address to sign in with")
    create.add_argument("--role", required=True, choices=ROLES, help="what the person may do")
    create.add_argument("--name", default="", help="the person's name")
    add_json_option(create)
    create.set_defaults(run=run_create)
    enrol = verbs.add_parser("enrol", help="print a new enrolment link: password or authenticator were lost")
    enrol.add_argument("--email", required=True, help="the account's address")
    add_json_option(enrol)
    enrol.set_defaults(run=run_enrol)


def run_create(options: argparse.Namespace) -> int:
    """Open an account; print its link."""
    open_instance()
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.kernel import clock
    from tocsin.people import actions
    from tocsin.people.models import Person

    event = actions.create_person(
        email=options.email, name=options.name, role=options.role, by=COMMAND_LINE, at=clock.now()
    )
    return _print_link(options, Person.objects.get(pk=event.person))


def run_enrol(options: argparse.Namespace) -> int:
    """Print a new link for an account."""
    open_instance()
    from tocsin.kernel.refusals import Conflict
    from tocsin.people import queries
    from tocsin.people.models import normal_email

    person = queries.person_by_email(options.email)
    if person is None or not person.is_active:
        email = normal_email(options.email)  # as it is stored, and said by `create`
        raise Conflict(f"There is no open account for {email}. Open one with `tocsin user create`.")
    return _print_link(options, person)


def _print_link(options: argparse.Namespace, person: Person) -> int:
    from tocsin.audit.actors import COMMAND_LINE
    from tocsin.kernel import clock
    from tocsin.people import actions, links
    from tocsin.site.addresses import belonging, enrolment_address
    from tocsin.site.config import load

    token = links.new_token()
    actions.make_enrolment_link(person, token=token, by=COMMAND_LINE, at=clock.now())
    config = load()
    address = enrolment_address(config, token)
    words = f"{person.email} can enrol once, within seven days, by this link. {belonging(config)}".rstrip()
    answer(options, f"{words}\n{address}", {"email": person.email, "role": person.role, "enrolment": address})
    return 0
