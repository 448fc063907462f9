"""The one limiter of guesses: passwords, codes, passkeys and links count together.

Three counts bound what can be tried. *Of the account*, ten wrong guesses in a
quarter of an hour, however its address is written. *Of the address* that asks,
and *of its network* (a /24, or a /56 of IPv6), so that who tries many accounts
is bounded, too. A browser in which somebody has signed in fully before is
counted for itself: strangers who guess lock nobody out of it.

Counts stand in a table that all processes share (`LimiterEntry`); a right
answer takes back what it cost, and nothing else, so that a right password gives
no further guesses at the code.
"""

from __future__ import annotations

import ipaddress

from allauth.core.internal import ratelimit
from django.http import HttpRequest

from tocsin.people import devices, visitors
from tocsin.people.models import Person

RATES = {"account": "10/15m/key", "address": "20/m/key", "network": "60/m/key"}
ASKING = {"asking": "5/15m/key", "asking-address": "20/m/key", "asking-network": "60/m/key"}
"""How often a link may be asked for by mail: apart from guesses, so that who asks for others takes none of theirs."""
_ASKED = {name: {name: rate} for name, rate in {**RATES, **ASKING}.items()}
NETWORK_BITS = {4: 24, 6: 56}


class Guess:
    """One attempt that was counted."""

    def __init__(self, counted: list[ratelimit.RateLimitUsage]) -> None:
        self._counted = counted

    def was_right(self) -> None:
        """Take back what it cost."""
        for usage in self._counted:
            usage.rollback()


def begin(request: HttpRequest, account: Person | str | None) -> Guess | None:
    """Count an attempt before it is checked. None when there were too many: then nothing may be checked.

    `account` is the person that is tried, an address that is nobody's, or None where no account is named.
    """
    counted: list[ratelimit.RateLimitUsage] = []
    for name, key in _counts(request, account):
        usage = ratelimit.consume(request, app="tocsin", action=name, config=_ASKED[name], key=key, limit_get=True)
        if usage is None:
            return None
        counted.append(usage)
    return Guess(counted)


def may_ask(request: HttpRequest, email: str, person: Person | None) -> bool:
    """Count that somebody asks for a link by mail; False when that was too often, whosever the address is.

    A browser in which the person has signed in before is counted for itself, as for guesses.
    """
    device = devices.known(request, person) if person else ""
    counts = [("asking", f"{email}:device:{device}" if device else email)]
    counts += [] if device else [(f"asking-{name}", key) for name, key in _places(request)]
    return all(
        ratelimit.consume(request, app="tocsin", action=name, config=_ASKED[name], key=key, limit_get=True)
        for name, key in counts
    )


def is_shut(request: HttpRequest) -> bool:
    """Say whether so many attempts came from this address or its network that none is even looked at."""
    if devices.is_known(request):
        return False
    return any(
        ratelimit.consume(
            request, app="tocsin", action=name, config=_ASKED[name], key=key, dry_run=True, limit_get=True
        )
        is None
        for name, key in _places(request)
    )


def _places(request: HttpRequest) -> list[tuple[str, str]]:
    asked_from = visitors.address(request)
    return [("address", asked_from), ("network", network_of(asked_from))]


def _counts(request: HttpRequest, account: Person | str | None) -> list[tuple[str, str]]:
    """Return what an attempt is counted by, the narrowest first: a refused one costs the wider ones nothing."""
    device = devices.known(request, account) if isinstance(account, Person) else ""
    whose = f"person:{account.pk}" if isinstance(account, Person) else f"nobody:{account}"
    if device:
        return [("account", f"{whose}:device:{device}")]
    by_account = [("account", whose)] if account is not None else []
    return [*by_account, *_places(request)]


def network_of(address: str) -> str:
    """Return the network by which an address is counted: addresses are cheap by the /24, and by the /56."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{known}/{NETWORK_BITS[known.version]}", strict=False))
