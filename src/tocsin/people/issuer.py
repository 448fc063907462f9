"""Signing in by another service (OpenID Connect): asking it who somebody is, and checking what it answers.

Off unless its settings are there. The service says which address it has verified, and no more: it opens no account and
gives no role. What is asked is bound to the browser by a signed cookie (state, nonce and the verifier of PKCE), lasts
ten minutes, and is answered once. All bytes come by the courier's one fetch; signatures are checked by joserfc.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext as _

from tocsin.courier.connecting import Allowance
from tocsin.courier.fetching import Fetched, Post, fetch
from tocsin.formats import strict_json
from tocsin.kernel.clock import Instant
from tocsin.kernel.refusals import Conflict, InvalidInput, Unavailable

LASTS = dt.timedelta(minutes=10)
KEPT_S = 3600.0
"""How long what the service says of itself is believed without asking again."""
ASKED_AGAIN_S = 60.0
"""Not sooner than so is it asked for keys again because it signed with one that we do not know."""
LARGEST_BYTES = 256 * 1024
DEEPEST = 16
LEEWAY_S = 60
"""So far clocks may differ."""
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures with a key of which we hold the public half only."""
_SALT = "tocsin.people.issuer"
_known: dict[str, tuple[float, Service]] = {}
_knowing = threading.Lock()


class Untrusted(Conflict):
    """What came back from the service does not hold."""


@dataclasses.dataclass(frozen=True)
class Service:
    """What the service says of itself."""

    authorization: str
    token: str
    keys_at: str
    keys: Mapping[str, Any]
    """Its public keys, as a JSON Web Key Set."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """What one browser was sent to ask, and where it wants to go afterwards."""

    state: str
    nonce: str
    verifier: str
    onward: str = ""

    @classmethod
    def anew(cls, onward: str) -> Asked:
        """Return a new question; each part is drawn for itself."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _part in range(3))
        return cls(state, nonce, verifier, onward)

    def sealed(self) -> str:
        """Return what the browser keeps of it."""
        return signing.dumps(dataclasses.astuple(self), salt=_SALT)

    @classmethod
    def opened(cls, sealed: str) -> Asked:
        """Return what the browser has kept. Raises Untrusted for what is not ours or too old."""
        try:
            return cls(*signing.loads(sealed, salt=_SALT, max_age=LASTS))
        except (signing.BadSignature, TypeError):
            raise Untrusted(_("This took too long, or began in another browser. Try again.")) from None


@dataclasses.dataclass(frozen=True)
class Identity:
    """Whom the service has seen."""

    issuer: str
    subject: str
    """By which it knows them, for ever."""
    email: str
    """The address that it has verified; empty where it has none."""
    has_two_factors: bool
    """Whether it says, in a way that the settings trust, that it asked for two factors."""


def is_on() -> bool:
    """Say whether there is such a service. None is asked from a demonstration."""
    return bool(settings.TOCSIN.oidc_issuer) and not settings.TOCSIN_IS_DEMO


def name() -> str:
    """Return what people call the service."""
    return settings.TOCSIN.oidc_name or urlsplit(settings.TOCSIN.oidc_issuer).hostname or ""


def address_to_ask(asked: Asked, back: str) -> str:
    """Return where the browser is sent; it comes to `back` with the answer. Raises Unavailable and Untrusted."""
    digest = hashlib.sha256(asked.verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": settings.TOCSIN.oidc_client,
        "redirect_uri": back,
        "scope": "openid email",
        "state": asked.state,
        "nonce": asked.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    where = _service().authorization
    return f"{where}{'&' if '?' in where else '?'}{urlencode(query)}"


def identity(asked: Asked, answer: Mapping[str, str], back: str, *, at: Instant) -> Identity:
    """Return who it is, by what the browser brought back. Raises Unavailable, and Untrusted for what does not hold."""
    config = settings.TOCSIN
    if not secrets.compare_digest(answer.get("state", "").encode(), asked.state.encode()):
        raise Untrusted(_("This took too long, or began in another browser. Try again."))
    if answer.get("iss", config.oidc_issuer) != config.oidc_issuer or not answer.get("code"):
        raise Untrusted(_("The service did not say who you are."))
    claims = _claims(_token(answer["code"], asked.verifier, back), asked.nonce, at)
    verified = claims.get("email") if claims.get("email_verified") is True else ""
    return Identity(
        config.oidc_issuer, str(claims["sub"]), verified if isinstance(verified, str) else "", _has_two_factors(claims)
    )


def _has_two_factors(claims: Mapping[str, Any]) -> bool:
    ways = claims.get("amr")
    said = {claims.get("acr"), *(each for each in ways if isinstance(each, str))} if isinstance(ways, list) else {
        claims.get("acr")
    }  # fmt: skip
    return not said.isdisjoint(settings.TOCSIN.oidc_trusts_acr)


def _token(code: str, verifier: str, back: str) -> str:
    """Give the code back to the service, which tells us by name and secret; return its ID token."""
    config = settings.TOCSIN
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
    known = base64.b64encode(f"{quote(config.oidc_client)}:{quote(config.oidc_secret)}".encode()).decode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {known}"}
    told = _json(_service().token, Post(urlencode(body).encode(), headers))
    token = told.get("id_token")
    if not isinstance(token, str):
        raise Untrusted(_("The service did not say who you are."))
    return token


def _claims(token: str, nonce: str, at: Instant) -> dict[str, Any]:
    """Return what an ID token says, once it is seen to be of the service, for us, now, and for this browser."""
    from joserfc import jwt  # late: only who signs in so needs it
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    config = settings.TOCSIN
    rules = jwt.JWTClaimsRegistry(
        now=int(at.timestamp()),
        leeway=LEEWAY_S,
        iss={"essential": True, "value": config.oidc_issuer},
        aud={"essential": True, "value": config.oidc_client},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        try:
            told = jwt.decode(token, KeySet.import_key_set(_keys(_service())), algorithms=ALGORITHMS)
        except (JoseError, ValueError):  # it may have changed its keys
            told = jwt.decode(token, KeySet.import_key_set(_keys(_service(anew=True))), algorithms=ALGORITHMS)
        rules.validate(told.claims)
    except (JoseError, ValueError, TypeError, KeyError):
        raise Untrusted(_("What the service said of you could not be checked.")) from None
    several = isinstance(told.claims["aud"], list) and len(told.claims["aud"]) > 1
    if (several or "azp" in told.claims) and told.claims.get("azp") != config.oidc_client:
        raise Untrusted(_("What the service said of you could not be checked."))
    return dict(told.claims)


def _keys(service: Service) -> Any:
    return service.keys


def _service(*, anew: bool = False) -> Service:
    """Return what the service says of itself, asked for anew when that was long ago, or when keys are lacking."""
    issuer, now_s = settings.TOCSIN.oidc_issuer, time.monotonic()
    with _knowing:
        asked_s, known = _known.get(issuer, (0.0, None))
    age_s = now_s - asked_s
    if known and age_s < (ASKED_AGAIN_S if anew else KEPT_S):
        return known
    made = _discovered(issuer)
    with _knowing:
        _known[issuer] = (now_s, made)
    return made


def _discovered(issuer: str) -> Service:
    said = _json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    where = [said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if said.get("issuer") != issuer or not all(isinstance(each, str) and _is_safe(each) for each in where):
        raise Untrusted(_("The service is not the one that is set up here."))
    authorization, token, keys_at = map(str, where)
    return Service(authorization, token, keys_at, _json(keys_at))


def _is_safe(address: str) -> bool:
    """Say whether an address is encrypted, as that of the service is itself."""
    schemes = {"https", urlsplit(settings.TOCSIN.oidc_issuer).scheme}
    return urlsplit(address).scheme in schemes


def _json(url: str, post: Post | None = None) -> dict[str, Any]:
    answer: Fetched = fetch(url, post=post, largest_bytes=LARGEST_BYTES, allowance=_allowance())
    if answer.status != 200:
        raise Unavailable(_("The service answered with {status}.").format(status=answer.status))
    try:
        told = strict_json.read(answer.body, where=url, max_bytes=LARGEST_BYTES, max_depth=DEEPEST)
    except InvalidInput:
        told = None
    if not isinstance(told, dict):
        raise Untrusted(_("The service did not say who you are."))
    return told


def _allowance() -> Allowance:
    """Return what may be reached beyond the public Internet: what the settings name, at the port of the service."""
    port = urlsplit(settings.TOCSIN.oidc_issuer).port
    addresses = frozenset(settings.TOCSIN.oidc_addresses)
    return Allowance(addresses, frozenset({port} if port else ()))
