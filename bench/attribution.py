"""Attribution beside the brute-force answer: how many are wrong, how many a second.

    python -m bench.attribution FOLDER NETWORKS ASNS DOMAINS QUESTIONS LOOKUPS

Prints one JSON object: claims, questions, wrong, look-ups and their CPU seconds, seconds to build the index.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.claims import Claims as Asked
from bench.claims import Question, write_claims
from tocsin.engine.attribute import attribute
from tocsin.engine.claims import ASN, NETWORK, SUFFIX, Claim, Claims

_WORD = 2**64 - 1
_MAPPED = 0xFFFF_0000_0000


def engine_claims(asked: Asked) -> Claims:
    """Return the claims as the engine has them."""
    made = [
        Claim(f"n{number}", c.constituent, NETWORK, str(c.network), c.valid_from, c.valid_to, _instant(c.confirmed_on))
        for number, c in enumerate(asked.networks)
    ]
    made += [Claim(f"a{asn}", constituent, ASN, str(asn)) for asn, constituent in asked.asns.items()]
    made += [Claim(f"d{domain}", constituent, SUFFIX, domain) for domain, constituent in asked.domains.items()]
    return Claims(made)


def _instant(day: dt.date | None) -> dt.datetime | None:
    return dt.datetime.combine(day, dt.time(), dt.UTC) if day else None


def columns(questions: Sequence[Question]) -> dict[str, Any]:
    """Return questions as the arguments of `attribute`."""
    numbers = [_number(question.ip) for question in questions]
    return {
        "days": np.array([question.on for question in questions], "datetime64[D]"),
        "high": np.array([number >> 64 for number in numbers], np.uint64),
        "low": np.array([number & _WORD for number in numbers], np.uint64),
        "asns": np.array([question.asn for question in questions], np.uint64),
        "names": pa.array([question.host.encode() or None for question in questions], pa.binary()),
    }


def _number(text: str) -> int:
    address = ipaddress.ip_address(text)
    return int(address) if address.version == 6 else int(address) | _MAPPED


def answers(claims: Claims, questions: dict[str, Any]) -> list[str | None]:
    """Return the constituent of each question."""
    found = attribute(claims, **questions)
    return [claims.claims[at].constituent if at >= 0 else None for at in found.tolist()]


def repeated(questions: dict[str, Any], count: int) -> dict[str, Any]:
    """Return `count` questions, the given ones again and again, in an order of chance."""
    at = np.random.default_rng(58).integers(0, len(questions["days"]), count)
    return {name: v.take(pa.array(at)) if name == "names" else v[at] for name, v in questions.items()}


def main(folder: Path, networks: int, asns: int, domains: int, questions: int, lookups: int) -> None:
    """Ask, compare, time."""
    asked = write_claims(folder, networks, asns, domains)
    put = list(asked.questions(questions))
    right = [asked.naive_owner(q.ip, q.asn, q.host, q.on) for q in put]
    claims, given = engine_claims(asked), columns(put)
    began = time.process_time()
    got = answers(claims, given)
    built = time.process_time() - began
    many = repeated(given, lookups)
    began = time.process_time()
    attribute(claims, **many)
    spent = time.process_time() - began
    wrong = sum(one != other for one, other in zip(got, right, strict=True))
    result = {"claims": len(claims.claims), "questions": questions, "wrong": wrong, "lookups": lookups}
    json.dump({**result, "cpu_s": spent, "first_cpu_s": built, "nobody": right.count(None)}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:7]))
