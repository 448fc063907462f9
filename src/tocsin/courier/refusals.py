"""What the courier says when something cannot be fetched.

Unavailable
└── FetchRefused       it was not, or not wholly, fetched
    ├── AddressRefused     the address is not one of the public Internet, or not of a kind we fetch
    │   └── SentElsewhere      a redirect, where none is followed
    ├── TooLarge           more bytes than allowed, as sent or when unpacked
    ├── TooSlow            not done in the time allowed
    └── NotReachable       name, connection, certificate or protocol failed
"""

from tocsin.kernel.refusals import Unavailable


class FetchRefused(Unavailable):
    """Something was not fetched."""

    def __init__(self, url: str, problem: str) -> None:
        self.url, self.problem = url, problem
        super().__init__(f"{url} was not fetched: {problem}")


class AddressRefused(FetchRefused):
    """The address is not one of the public Internet, or not of a kind we fetch."""


class SentElsewhere(AddressRefused):
    """A redirect, where none is followed."""


class TooLarge(FetchRefused):
    """More bytes than allowed, as sent or when unpacked."""


class TooSlow(FetchRefused):
    """Not done in the time allowed."""


class NotReachable(FetchRefused):
    """Name, connection, certificate or protocol failed."""
