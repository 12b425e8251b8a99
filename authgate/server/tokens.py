"""``POST /tokens``: an application asks by its API key for a token of one of its users; and the routes beside it."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from authgate import bindings, grants
from authgate.api_keys import ApiKey, covers
from authgate.errors import BadName, Refused
from authgate.issuance import Wanted
from authgate.names import canonical
from authgate.server.bearer import Bearers
from authgate.server.login import Login, cors
from authgate.server.oauth import NO_STORE, Asked, Endpoint, Refusal, Serves, bad_request, issuer_of, too_many
from authgate.server.openapi import MAX_GRANTS, document
from authgate.strictjson import read_object
from authgate.throttle import Throttle

log = logging.getLogger(__name__)

MAX_BODY = 16 * 1024  # bytes
MAX_FORM = 8 * 1024  # bytes


def token_routes(service: Serves, tally: Counter[str]) -> list[Route]:
    """All paths by which web applications get something; each answers 404 while the configuration has it off."""
    endpoints = {
        "/tokens": Endpoint(
            service,
            tally,
            "tokens",
            "POST",
            lambda config: config.issuing.tokens,
            Tokens(service, tally, Bearers(service), Throttle(60, 60)),
            "application/json",
            MAX_BODY,
        ),
        "/login": Endpoint(
            service,
            tally,
            "logins",
            "POST",
            lambda config: config.issuing.login,
            Login(service, tally),
            "application/x-www-form-urlencoded",
            MAX_FORM,
            cors,
        ),
        "/.well-known/jwks.json": Endpoint(
            service,
            tally,
            "public_keys",
            "GET",
            lambda config: config.issuing.publish_keys,
            _PublicKeys(service),
            cors=lambda _request, _config: {"access-control-allow-origin": "*"},  # they are public
        ),
        "/openapi.json": Endpoint(service, tally, "openapi", "GET", lambda config: config.issuing.any, _openapi),
    }
    return [Route(path, endpoint) for path, endpoint in endpoints.items()]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Answers one request for a token."""

    service: Serves
    tally: Counter[str]
    bearers: Bearers
    throttle: Throttle

    async def __call__(self, asked: Asked) -> Response:
        """The token.

        Raises:
            Refusal: there is none.
            Trouble: it cannot be decided.
        """
        key = await self.bearers.key(asked)
        asked.who = f"API key {key.prefix} ({key.name})"
        if wait := self.throttle.wait(key.prefix, asked.clock, key.scope.rate):
            raise too_many(wait, f"it asks more than {key.scope.rate} times a minute")
        wanted = wanted_by(_read(asked.body), key, asked.config.issuing.max_ttl)
        if why := covers(key.scope, wanted):
            raise _insufficient(why)
        try:
            token = await issuer_of(self.service).issue(wanted, asked.now)
        except BadName as fault:
            raise bad_request(str(fault)) from None
        except Refused as fault:
            raise bad_request(fault.text) from None
        lives = max(0, token.expires_at - int(asked.now))
        self.tally["tokens_issued"] += 1
        log.info("issued a token to %s: user %s, jti %s, %d seconds", asked.who, token.user, token.token_id, lives)
        answer = {
            "token": token.text.reveal(),
            "token_type": "Bearer",
            "expires_in": lives,
            "expires_at": token.expires_at,
            "jti": token.token_id,
        }
        noted = BackgroundTask(self.bearers.note, key, asked.now)
        return JSONResponse(answer, 201, dict(NO_STORE), background=noted)


def wanted_by(said: Mapping[str, Any], key: ApiKey, max_ttl: int) -> Wanted:
    """What a request asks for. What it leaves out is as the key's scope says: the most that it may have.

    Raises:
        Refusal: a member is unknown, missing or of another type; it names it.
    """
    for name in said:
        if name not in _MEMBERS:
            raise bad_request(f"{name[:40]}: there is no such member; there are {', '.join(_MEMBERS)}")
    scope = key.scope
    ttl = said.get("ttl", min(scope.max_ttl, max_ttl))
    if type(ttl) is not int or not 1 <= ttl <= max_ttl:
        raise bad_request(f"ttl: must be a whole number of seconds, 1 to {max_ttl}")
    once = said.get("once", scope.once_only)
    if type(once) is not bool:
        raise bad_request("once: must be true or false")
    granted: Any = scope.grants
    if "grants" in said:
        granted = _texts("grants", said["grants"], grants.parse, 0, MAX_GRANTS)
    return Wanted(
        user=_user(said),
        ttl=ttl,
        grants=granted,
        app_keys=_bound("app", [said["app"]] if isinstance(said.get("app"), str) else said.get("app", scope.apps)),
        addresses=_bound("ip", said.get("ip", ())),
        origins=_bound("origin", said.get("origin", ())),
        streams=_bound("stream", said.get("stream", ())),
        once=once,
    )


_MEMBERS = ("user", "ttl", "grants", "app", "ip", "origin", "stream", "once")


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        return read_object(body)
    except ValueError as fault:
        raise bad_request(f"the body {fault}") from None


def _user(said: Mapping[str, Any]) -> str:
    user = said.get("user")
    if not isinstance(user, str):
        raise bad_request("user: is missing; it must be text" if "user" not in said else "user: must be text")
    try:
        canonical(user)
    except BadName as fault:
        raise bad_request(f"user: {fault}") from None
    return user


def _bound(member: str, found: Any) -> tuple[str, ...]:
    """What a member has the token bound to; () where it does not matter.

    Raises:
        Refusal: it is nothing that could be kept to.
    """
    claim = "appKey" if member == "app" else member
    return _texts(member, found, lambda text: bindings.asked_for(claim, (text,)), 1, bindings.MOST)


def _texts(name: str, found: Any, read: Callable[[str], object], least: int, most: int) -> tuple[str, ...]:
    """A list of texts that can all be read. An empty one is none where it would mean the contrary of nothing.

    Raises:
        Refusal: it is not that.
    """
    if isinstance(found, tuple):  # not from the request
        return found
    if not isinstance(found, list) or not all(isinstance(each, str) and each for each in found):
        raise bad_request(f"{name}: must be a list of texts")
    if not least <= len(found) <= most:
        raise bad_request(f"{name}: must have {least} to {most} entries; leave it out where it does not matter")
    for place, each in enumerate(found):
        try:
            read(each)
        except ValueError as fault:
            raise bad_request(f"{name}[{place}]: {fault}") from None
    return tuple(found)


def _insufficient(why: str) -> Refusal:
    challenge = 'Bearer realm="authgate", error="insufficient_scope"'
    return Refusal(403, "insufficient_scope", why, {"www-authenticate": challenge})


@dataclass(frozen=True, slots=True)
class _PublicKeys:
    """Answers with our public keys, for others to verify our tokens with."""

    service: Serves

    async def __call__(self, _asked: Asked) -> Response:
        issuer = self.service.issuer
        keys = [] if issuer is None else [dict(each) for each in await issuer.public_keys()]
        return JSONResponse({"keys": keys}, headers={"cache-control": "public, max-age=300"})


async def _openapi(asked: Asked) -> Response:
    return JSONResponse(document(asked.config.issuing), headers={"cache-control": "no-cache"})
