"""``POST /login``: a user name and a password in exchange for a token, in the form of RFC 6749, section 4.3."""

import logging
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from authgate import grants
from authgate.config import Config
from authgate.errors import BadName, Refused
from authgate.issuance import Token, Wanted
from authgate.model import Credentials, Principal, Reason, Secret, Where
from authgate.server.oauth import NO_STORE, Asked, Refusal, Serves, bad_request, issuer_of, unavailable
from authgate.verifiers.password import PasswordVerifier

log = logging.getLogger(__name__)

MAX_SCOPE = 100  # grants
_MAX_PARAMETERS = 32
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Login:
    """Answers one login."""

    service: Serves
    tally: Counter[str]

    async def __call__(self, asked: Asked) -> Response:
        """The token.

        Raises:
            Refusal: there is none; in the same words and after the same time, whoever the user is.
            Trouble: it cannot be decided.
        """
        form = read_form(asked.body)
        _no_client(asked.request, form)
        verifier = next((each for each in asked.config.verifiers if isinstance(each, PasswordVerifier)), None)
        if verifier is None:
            raise unavailable("no verifier takes passwords")
        if _required(form, "grant_type") != "password":
            raise Refusal(400, "unsupported_grant_type", "grant_type: must be password")
        login, password = _required(form, "username"), Secret(_required(form, "password"))
        scope = _scope(form.get("scope", ""))
        where = Where(address=asked.address)
        offered = Credentials(login=login, password=password)
        means = self.service.means(asked.now, asked.until, lambda: where)
        if await means.guessing.banned("", asked.address):
            answer: Principal | Reason | None = Reason.BANNED
        else:
            answer = await verifier.verify(offered, means)
        if isinstance(answer, Principal) and await means.guessing.banned(answer.user, ""):
            asked.who, answer = f"user {answer.user}", Reason.BANNED
        if not isinstance(answer, Principal):
            # Nobody else's name is told: it may be a password that was typed in the wrong field.
            if isinstance(answer, Reason) and (user := verifier.claimed(offered, means, answer)):
                asked.who = f"user {user}"
            text = "the user name or the password is wrong, or the user may not log in"
            raise Refusal(400, "invalid_grant", text, why=str(answer))
        asked.who = f"user {answer.user}"
        token = await self._issued(asked, answer.user, scope)
        lives = max(0, token.expires_at - int(asked.now))
        self.tally["logins_allowed"] += 1
        log.info(
            "issued a token by login from %s: user %s, jti %s, %d seconds",
            asked.address or "here",
            token.user,
            token.token_id,
            lives,
        )
        told: dict[str, object] = {"access_token": token.text.reveal(), "token_type": "Bearer", "expires_in": lives}
        if scope is not None:
            told["scope"] = " ".join(scope)
        return JSONResponse(told, 200, dict(NO_STORE))

    async def _issued(self, asked: Asked, user: str, scope: tuple[str, ...] | None) -> Token:
        options = asked.config.issuing
        wanted = Wanted(user, min(options.login_ttl, options.max_ttl), scope)
        try:
            return await issuer_of(self.service).issue(wanted, asked.now)
        except (BadName, Refused) as fault:  # who it is was right, so the trouble is ours
            raise unavailable(str(fault)) from None


def cors(request: Request, config: Config) -> Mapping[str, str]:
    """Headers that let the scripts of some pages read the answer; never together with cookies or the like."""
    found = request.headers.getlist("origin")
    if len(found) != 1 or found[0] not in config.issuing.login_origins:
        return {"vary": "origin"}
    headers = {
        "vary": "origin",
        "access-control-allow-origin": found[0],
        "access-control-expose-headers": "retry-after",
    }
    if request.method == "OPTIONS":
        headers |= {
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": "content-type",
            "access-control-max-age": "600",
        }
    return headers


def read_form(body: bytes) -> dict[str, str]:
    """The parameters of a form. One without a value is as good as none (RFC 6749, 3.2).

    Raises:
        Refusal: it cannot be read, or has a parameter twice.
    """
    if _BAD_ESCAPE.search(body):
        raise bad_request("the body has a % without two hexadecimal digits after it")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MAX_PARAMETERS,
        )
    except UnicodeDecodeError:
        raise bad_request("the body is not a form in UTF-8") from None
    except ValueError:
        raise bad_request("the body is not a form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise bad_request("the body has a parameter more than once")
    return {name: value for name, value in form.items() if value}


def _no_client(request: HTTPConnection, form: Mapping[str, str]) -> None:
    """Come back if the request has no credentials of an OAuth client: none is known here, so none can be right.

    Raises:
        Refusal: it has (RFC 6749, 2.3.1 and 5.2).
    """
    text = "no clients are known here; leave client credentials out"
    if any(_BASIC.match(line) for line in request.headers.getlist("authorization")):
        raise Refusal(401, "invalid_client", text, {"www-authenticate": 'Basic realm="authgate"'})
    if not _OF_A_CLIENT.isdisjoint(form):
        raise Refusal(400, "invalid_client", text)


_BASIC = re.compile(r"\s*basic\b", re.IGNORECASE)
_OF_A_CLIENT = {"client_secret", "client_assertion"}


def _required(form: Mapping[str, str], name: str) -> str:
    if name not in form:
        raise bad_request(f"{name}: is missing")
    return form[name]


def _scope(text: str) -> tuple[str, ...] | None:
    """The grants in a parameter ``scope``; None where it is not there.

    Raises:
        Refusal: it holds something else.
    """
    if not text:
        return None
    found = tuple(text.split(" "))
    if len(found) > MAX_SCOPE:
        raise Refusal(400, "invalid_scope", f"scope: has more than {MAX_SCOPE} grants")
    for place, each in enumerate(found):
        try:
            grants.parse(each)
        except ValueError as fault:
            why = f"scope, grant {place + 1}: is no grant"  # whatever it is, it stays out of the log
            raise Refusal(400, "invalid_scope", f"scope, grant {place + 1}: {fault}", why=why) from None
    return found
