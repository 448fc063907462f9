"""Whether the domain that mail comes from says so: SPF, DKIM and DMARC in the domain name system.

Without them many receivers refuse or hide what we send, and anybody may send in our name. Sources: RFC 7208 (SPF),
RFC 6376 (DKIM), RFC 7489 (DMARC). Which key signs is the mail server's matter, and its selector cannot be guessed from
outside: for DKIM it is asked for the names that are usual, and for the one that is set.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import dns.exception
import dns.resolver

from tocsin.kernel import legible

WITHIN_S = 5.0
"""So long is spent on all questions about one domain that nobody answers."""
SELECTORS = ("default", "dkim", "mail", "selector1", "s1", "k1", "google")
SHOWN = 120


class NotAsked(Exception):
    """No server of names answers: nothing is known, neither good nor bad."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """What the domain says of one of the three."""

    about: str
    """`SPF`, `DKIM` or `DMARC`."""
    says: str
    remedy: str = ""
    """Empty when it is as it should be."""


def resolver(servers: Iterable[str] = (), port: int = 53) -> dns.resolver.Resolver:
    """Return who is asked: the servers of the system, or those that are named. Raises NotAsked without any."""
    named = list(servers)
    try:
        asked = dns.resolver.Resolver(configure=not named)
    except dns.resolver.NoResolverConfiguration as error:
        raise NotAsked("this machine knows no server of names") from error
    if named:
        asked.nameservers, asked.port = list(named), port
    asked.timeout, asked.lifetime = WITHIN_S / 2, WITHIN_S
    return asked


def examined(domain: str, asked: dns.resolver.Resolver, *, selector: str = "") -> list[Finding]:
    """Return what a domain says of the three. Raises NotAsked when nobody answers."""
    return [_spf(domain, asked), _dkim(domain, asked, selector), _dmarc(domain, asked)]


def _spf(domain: str, asked: dns.resolver.Resolver) -> Finding:
    found = [text for text in _texts(domain, asked) if text.lower().split(" ")[0] == "v=spf1"]
    if len(found) > 1:
        return Finding("SPF", f"{domain} has {len(found)} records; receivers then take none", "Leave one TXT record.")
    if not found:
        remedy = f'Add a TXT record to {domain}: "v=spf1 mx -all", with what your mail server sends from.'
        return Finding("SPF", f"{domain} does not say which servers send for it", remedy)
    words = found[0].lower().split()
    if words[-1] in ("+all", "all", "?all") and not any(word.startswith("redirect=") for word in words):
        return Finding("SPF", f"{domain} lets any server send for it ({_shown(found[0])})", "End it with -all or ~all.")
    return Finding("SPF", f"{domain} says which servers send for it ({_shown(found[0])})")


def _dkim(domain: str, asked: dns.resolver.Resolver, selector: str) -> Finding:
    for each in (selector,) if selector else SELECTORS:
        keys = [text for text in _texts(f"{each}._domainkey.{domain}", asked) if "p=" in text.replace(" ", "")]
        if any(_key(text) for text in keys):
            return Finding("DKIM", f"{domain} has the key {each}")
        if keys:
            return Finding("DKIM", f"the key {each} of {domain} is withdrawn", "Publish the key your mail server uses.")
    remedy = "Have your mail server sign with DKIM, publish its key, and name it in TOCSIN_MAIL_DKIM_SELECTOR."
    looked = selector or ", ".join(SELECTORS)
    return Finding("DKIM", f"{domain} has no key under the name {looked}", remedy)


def _key(text: str) -> str:
    fields = dict(part.strip().partition("=")[::2] for part in text.split(";"))
    return fields.get("p", "").strip()


def _dmarc(domain: str, asked: dns.resolver.Resolver) -> Finding:
    parts = domain.split(".")
    for place in (domain, ".".join(parts[-2:])):
        found = [text for text in _texts(f"_dmarc.{place}", asked) if text.replace(" ", "").startswith("v=DMARC1")]
        if found:
            return _policy(place, found[0])
    remedy = f'Add a TXT record to _dmarc.{domain}: "v=DMARC1; p=quarantine; rua=mailto:…".'
    return Finding("DMARC", f"{domain} does not say what becomes of mail in its name that is not from it", remedy)


def _policy(place: str, text: str) -> Finding:
    fields = dict(part.strip().partition("=")[::2] for part in text.split(";"))
    policy = fields.get("p", "").strip().lower()
    if policy in ("quarantine", "reject"):
        return Finding("DMARC", f"{place} has mail in its name that is not from it kept away ({policy})")
    remedy = f"Once its reports are clean, change p=none to p=quarantine at _dmarc.{place}."
    return Finding("DMARC", f"{place} has it delivered all the same ({_shown(text)})", remedy)


def _texts(name: str, asked: dns.resolver.Resolver) -> list[str]:
    """Return the TXT records of a name; none when there are none. Raises NotAsked."""
    try:
        answer = asked.resolve(name, "TXT", search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise NotAsked(f"no server of names answers for {name}") from error
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def _shown(text: str) -> str:
    return legible.shown(text[:SHOWN]) + ("…" if len(text) > SHOWN else "")
