"""The people who appear in tests. Each page and endpoint is tried by the stranger."""

from __future__ import annotations

import functools

from tocsin.people.choices import Role
from tocsin.people.models import Person

PASSWORD = "correct horse battery staple"


class Cast:
    """Made when first asked for, so that a test pays only for whom it names."""

    def _person(self, name: str, role: Role) -> Person:
        email = f"{name.split()[0].lower()}@cirt.example"
        if known := Person.objects.filter(email=email).first():  # of another cast of the same test
            return known
        person = Person(email=email, name=name, role=role)
        person.set_unusable_password()
        person.save()
        return person

    @functools.cached_property
    def administrator(self) -> Person:
        """Keeps the instance running and opens accounts."""
        return self._person("Nadia Administrator", Role.NATIONAL_ADMINISTRATOR)

    @functools.cached_property
    def manager(self) -> Person:
        """The analyst's head of team."""
        return self._person("Marta Head", Role.HEAD_OF_TEAM)

    @functools.cached_property
    def analyst(self) -> Person:
        """Works on findings all day."""
        return self._person("Anan Analyst", Role.ANALYST)

    @functools.cached_property
    def contact(self) -> Person:
        """A constituent's contact."""
        return self._person("Carla Contact", Role.CONSTITUENT_CONTACT)

    @functools.cached_property
    def stranger(self) -> Person:
        """Another constituent's contact: sees nothing of the first one's."""
        return self._person("Sami Stranger", Role.CONSTITUENT_CONTACT)

    @functools.cached_property
    def peer(self) -> Person:
        """Works in another country's team."""
        return self._person("Pia Peer", Role.PEER)

    @functools.cached_property
    def auditor(self) -> Person:
        """Reads everything that was done, changes nothing."""
        return self._person("Aldo Auditor", Role.AUDITOR)

    @functools.cached_property
    def observer(self) -> Person:
        """Looks at the situation, no more."""
        return self._person("Olga Observer", Role.OBSERVER)

    def everybody(self) -> list[Person]:
        """All of them."""
        return [
            self.administrator, self.manager, self.analyst, self.contact,
            self.stranger, self.peer, self.auditor, self.observer,
        ]  # fmt: skip
