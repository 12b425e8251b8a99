"""``POST /tokens``: an API key in, a token out, and nothing beyond what the key may ask for."""

import logging
import time
from dataclasses import replace

import pytest

from authgate.api_keys import make
from authgate.errors import BadName, Refused, SigningError, StoreError
from authgate.issuance import Wanted
from tests.server.issuing import DIGEST, KEY, PREFIX, SHOP, TOKEN, FakeService, Web


@pytest.fixture
def service():
    return FakeService()


@pytest.fixture
def web(service):
    return Web(service)


async def test_a_token(service, web):
    before = int(time.time())
    answer = await web.ask({"user": "Ann", "ttl": 60})
    told = answer.json()
    assert answer.status_code == 201
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert before + 60 <= told.pop("expires_at") <= time.time() + 60
    assert told == {"token": TOKEN, "token_type": "Bearer", "expires_in": 60, "jti": "jti-1"}
    assert service.issuer.asked == [Wanted("Ann", 60)]
    assert service.tally == {"tokens_issued": 1}


WANTED = {
    "only a user": ({"user": "ann"}, Wanted("ann", 3600)),
    "grants": ({"user": "ann", "grants": ["publish:x", "!play:y"]}, Wanted("ann", 3600, ("publish:x", "!play:y"))),
    "no grants": ({"user": "ann", "grants": []}, Wanted("ann", 3600, ())),
    "an application": ({"user": "ann", "app": "a"}, Wanted("ann", 3600, None, ("a",))),
    "applications": ({"user": "ann", "app": ["a", "b"]}, Wanted("ann", 3600, None, ("a", "b"))),
    "once": ({"user": "ann", "once": True}, Wanted("ann", 3600, once=True)),
    "bound": (
        {"user": "ann", "ip": ["192.0.2.1", "2001:db8::/64"], "origin": ["https://a.example"], "stream": ["room-*"]},
        Wanted("ann", 3600, None, (), ("192.0.2.1", "2001:db8::/64"), ("https://a.example",), ("room-*",)),
    ),
}


@pytest.mark.parametrize(("body", "wanted"), WANTED.values(), ids=WANTED)
async def test_what_is_asked_for(service, web, body, wanted):
    assert (await web.ask(body)).status_code == 201
    assert service.issuer.asked == [wanted]


async def test_what_is_left_out_is_as_the_key_has_it(service, web):
    service.scope("*", grants=("play:*",), apps=("a", "b"), max_ttl=70, once_only=True)
    assert (await web.ask({"user": "ann"})).status_code == 201
    assert service.issuer.asked == [Wanted("ann", 70, ("play:*",), ("a", "b"), once=True)]


async def test_nothing_lives_longer_than_the_configuration_says():
    service = FakeService(max_ttl=300)
    service.scope("*", max_ttl=86_400)
    web = Web(service)
    assert (await web.ask({"user": "ann"})).json()["expires_in"] == 300
    refused = await web.ask({"user": "ann", "ttl": 301})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


OTHER = make()[0]
BAD_KEYS = {
    "unknown": OTHER,
    "another secret": f"ak_{PREFIX}_{OTHER.rpartition('_')[2]}",
    "another prefix": f"ak_{OTHER[3:11]}_{KEY.rpartition('_')[2]}",
    "cut": KEY[:-1],
    "longer": f"{KEY}a",
    "capitals": KEY.upper(),
    "its digest": DIGEST,
    "its prefix": PREFIX,
    "a token of ours": TOKEN,
}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
async def test_a_key_that_is_none(service, web, key):
    answer = await web.ask({"user": "ann"}, key)
    assert (answer.status_code, answer.json()) == (401, INVALID)
    assert answer.headers["www-authenticate"].startswith('Bearer realm="authgate", error="invalid_token"')
    assert service.issuer.asked == []


INVALID = {"error": "invalid_token", "error_description": "the API key is not valid"}


async def test_an_expired_key_and_a_revoked_one_are_told_in_the_same_words():
    expired = Web(FakeService(replace(SHOP, expires_at=int(time.time()))))
    revoked = Web(FakeService(replace(SHOP, prefix="aaaaaaaa")))
    answers = [await each.ask({"user": "ann"}) for each in (expired, revoked)]
    assert [(each.status_code, each.json()) for each in answers] == [(401, INVALID)] * 2
    assert answers[0].headers["www-authenticate"] == answers[1].headers["www-authenticate"]
    fresh = Web(FakeService(replace(SHOP, expires_at=int(time.time()) + 60)))
    assert (await fresh.ask({"user": "ann"})).status_code == 201


LINES = {
    "none": ([], 401),
    "another scheme": ([f"Basic {KEY}"], 401),
    "the key alone": ([KEY], 401),
    "no key": (["Bearer"], 401),
    "two keys in one": ([f"Bearer {KEY}, Bearer {KEY}"], 401),
    "something after it": ([f"Bearer {KEY} x"], 401),
    "two": ([f"Bearer {KEY}", f"Bearer {KEY}"], 400),
    "small letters": ([f"bearer {KEY}"], 201),
}


@pytest.mark.parametrize(("lines", "status"), LINES.values(), ids=LINES)
async def test_authorization(web, lines, status):
    answer = await web.ask({"user": "ann"}, None, headers=[("authorization", line) for line in lines])
    assert answer.status_code == status
    if status == 401:  # no credentials at all: no error is named (RFC 6750, 3.1)
        assert answer.headers["www-authenticate"] == 'Bearer realm="authgate"'


async def test_a_key_in_the_address_or_the_body_is_none(web):
    answer = await web.send("POST", f"/tokens?access_token={KEY}", json={"user": "ann"})
    assert answer.status_code == 401
    assert (await web.ask({"user": "ann", "access_token": KEY}, None)).status_code == 401


SCOPES = {
    "a user": ({"users": ("guest-*",)}, {"user": "ann"}, "user: "),
    "a time": ({"max_ttl": 60}, {"user": "ann", "ttl": 61}, "ttl: "),
    "a grant": ({"grants": ("play:*",)}, {"user": "ann", "grants": ["publish:x"]}, "grants: "),
    "an application": ({"apps": ("a",)}, {"user": "ann", "app": "b"}, "app: "),
    "more than once": ({"once_only": True}, {"user": "ann", "once": False}, "once: "),
    "a user there is not": ({"users": ("guest-*",)}, {"user": "nobody"}, "user: "),
}


@pytest.mark.parametrize(("held", "body", "part"), SCOPES.values(), ids=SCOPES)
async def test_more_than_the_key_may_ask_for(service, web, held, body, part):
    service.scope(*held.pop("users", ("*",)), **held)
    answer = await web.ask(body)
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert answer.json()["error_description"].startswith(part)
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert service.issuer.asked == []


async def test_more_often_than_the_key_may_ask(service, web):
    service.scope("*", rate=2)
    answers = [await web.ask({"user": "ann"}) for _ in range(3)]
    assert [each.status_code for each in answers] == [201, 201, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30
    assert service.tally == {"tokens_issued": 2, "tokens_throttled": 1}


TROUBLE = {
    "no such user": (Refused("there is no user 'ann'"), 400),
    "a name nobody has": (BadName("a user name is not empty"), 400),
    "the store is away": (StoreError("the store is away"), 503),
    "no key signs": (SigningError("there is no key to sign with"), 503),
    "a mistake of ours": (ZeroDivisionError(TOKEN), 503),
}


@pytest.mark.parametrize(("trouble", "status"), TROUBLE.values(), ids=TROUBLE)
async def test_trouble_with_the_issuer(service, web, caplog, trouble, status):
    caplog.set_level(logging.INFO)
    service.issuer.trouble = trouble
    answer = await web.ask({"user": "ann"})
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == ("1" if status == 503 else None)
    assert TOKEN not in answer.text + caplog.text


async def test_trouble_with_the_store(service, web):
    service.api_keys.trouble = StoreError("the store is away")
    assert (await web.ask({"user": "ann"})).json()["error"] == "temporarily_unavailable"


UNSIGNED = {"error": "temporarily_unavailable", "error_description": "this cannot be done now; try again in a moment"}


async def test_where_nothing_signs_the_operator_is_told_what_to_run_and_nobody_else(service, web, caplog):
    service.issuer.trouble = SigningError("there is no key to sign with; run: authgate key generate")
    answers = [await web.ask({"user": "ann"}) for _ in range(20)]
    assert {each.status_code for each in answers} == {503}
    assert [each.json() for each in answers] == [UNSIGNED] * 20
    told = [each.getMessage() for each in caplog.records if "authgate key generate" in each.getMessage()]
    assert told == ["POST /tokens issues no token: there is no key to sign with; run: authgate key generate"]
    assert service.tally == {"tokens_unavailable": 20}


async def test_where_nothing_is_configured_that_signs(service, web, caplog):
    service.issuer = None
    answers = [await web.ask({"user": "ann"}), await web.log_in()]
    assert [(each.status_code, each.json()) for each in answers] == [(503, UNSIGNED)] * 2
    told = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    why = 'no verifier of the configuration can sign; add [[verifiers]] with type = "issued"'
    assert told == [f"POST {path} issues no token: {why}" for path in ("/tokens", "/login")]


async def test_advice_for_the_operator_is_told_to_no_web_application(service, web):
    service.issuer.trouble = Refused("user 'ann' is disabled", "run: authgate user enable ann")
    told = (await web.ask({"user": "ann"})).json()
    assert told == {"error": "invalid_request", "error_description": "user 'ann' is disabled"}


async def test_the_deadline_ends_what_hangs():
    service = FakeService(deadline=0.05)
    service.issuer.hang = True
    assert (await Web(service).ask({"user": "ann"})).status_code == 503
    assert service.tally == {"tokens_unavailable": 1}


async def test_a_use_is_noted_once_a_minute(service, web):
    await web.ask({"user": "ann"})
    [(prefix, at)] = service.api_keys.noted
    assert prefix == PREFIX
    service.api_keys.rows[PREFIX] = replace(SHOP, last_used_at=at)
    await web.ask({"user": "ann"})
    assert len(service.api_keys.noted) in (1, 1 + (int(time.time() * 1000) // 60_000 != at // 60_000))


async def test_the_log_says_who_and_for_whom_and_nothing_secret(service, web, caplog):
    caplog.set_level(logging.INFO)
    await web.ask({"user": "Ann", "ttl": 60})
    await web.ask({"user": "ann", "ttl": 7200})
    await web.ask({"user": "ann"}, OTHER)
    told = [each.getMessage() for each in caplog.records if each.levelname == "INFO" and "API key" in each.getMessage()]
    assert told == [
        f"issued a token to API key {PREFIX} (shop): user ann, jti jti-1, 60 seconds",
        f"refused tokens to API key {PREFIX} (shop) from 192.0.2.1: ttl: this key's tokens live 3600 seconds at most",
        "refused tokens to somebody from 192.0.2.1: there is no such API key",
    ]
    for secret in (KEY, KEY.rpartition("_")[2], OTHER, TOKEN, DIGEST):
        assert secret not in caplog.text
