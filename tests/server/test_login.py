"""``POST /login``: a user name and a password in, a token out, and the same refusal for everybody else."""

import asyncio
import logging
from dataclasses import replace

import pytest

from authgate.errors import Overloaded, Refused, SigningError, StoreError
from authgate.issuance import Wanted
from tests.server.issuing import ANN, PASSWORD, TOKEN, FakeService, Web

PAGE = "https://www.example.com"
FORM = f"grant_type=password&username=ann&password={PASSWORD.replace(' ', '+')}"


@pytest.fixture
def service():
    return FakeService(login_origins=[PAGE])


@pytest.fixture
def web(service):
    return Web(service)


async def test_a_login(service, web):
    answer = await web.log_in("Ann")
    assert (answer.status_code, answer.json()) == (
        200,
        {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 300},
    )
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert service.issuer.asked == [Wanted("ann", 300)]
    assert service.tally == {"logins_allowed": 1}


async def test_a_scope_narrows(service, web):
    answer = await web.log_in(scope="publish:room-1 !play:*")
    assert answer.json()["scope"] == "publish:room-1 !play:*"
    assert service.issuer.asked == [Wanted("ann", 300, ("publish:room-1", "!play:*"))]


WRONG = {
    "a wrong password": ("ann", "wrong"),
    "another case of the password": ("ann", PASSWORD.upper()),
    "a space after the password": ("ann", f"{PASSWORD} "),
    "an unknown user": ("nobody", PASSWORD),
    "a disabled user": ("bob", PASSWORD),
    "a disabled user, and a wrong password": ("bob", "wrong"),
    "a user without a password": ("eve", PASSWORD),
    "a name that nobody can have": ("a\nb", PASSWORD),
    "a name that is too long": ("u" * 1_000, PASSWORD),
    "NUL in the name": ("ann\0", PASSWORD),
    "SQL": ("' OR 1=1 --", PASSWORD),
    "a pattern": ("*", PASSWORD),
}


@pytest.mark.parametrize(("username", "password"), WRONG.values(), ids=WRONG)
async def test_all_who_are_refused_are_told_the_same_after_the_same_work(service, web, username, password):
    answer = await web.log_in(username, password)
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "error": "invalid_grant",
            "error_description": "the user name or the password is wrong, or the user may not log in",
        },
    )
    assert service.hasher.verified == 1
    assert service.issuer.asked == []
    assert service.tally == {"logins_refused": 1}


FORMS = {
    "nothing": (b"", "invalid_request", "grant_type: is missing"),
    "no grant type": (b"username=ann&password=x", "invalid_request", "grant_type: is missing"),
    "an empty grant type": (b"grant_type=&username=ann&password=x", "invalid_request", "grant_type: is missing"),
    "no user": (b"grant_type=password&password=x", "invalid_request", "username: is missing"),
    "an empty user": (b"grant_type=password&username=&password=x", "invalid_request", "username: is missing"),
    "no password": (b"grant_type=password&username=ann", "invalid_request", "password: is missing"),
    "an empty password": (b"grant_type=password&username=ann&password=", "invalid_request", "password: is missing"),
    "a parameter twice": (f"{FORM}&username=bob".encode(), "invalid_request", "more than once"),
    "a parameter twice, the same": (f"{FORM}&username=ann".encode(), "invalid_request", "more than once"),
    "one twice, once in escapes": (f"{FORM}&%75sername=bob".encode(), "invalid_request", "more than once"),
    "one twice, once empty": (f"{FORM}&password=".encode(), "invalid_request", "more than once"),
    "an unknown one twice": (f"{FORM}&x=1&x=2".encode(), "invalid_request", "more than once"),
    "no pair": (f"{FORM}&x".encode(), "invalid_request", "not a form"),
    "an empty pair": (f"{FORM}&&x=1".encode(), "invalid_request", "not a form"),
    "JSON": (b'{"username":"ann"}', "invalid_request", "not a form"),
    "half an escape": (f"{FORM}&x=%4".encode(), "invalid_request", "hexadecimal"),
    "an escape of something else": (f"{FORM}&x=%zz".encode(), "invalid_request", "hexadecimal"),
    "an escape of no character": (f"{FORM}&x=%ff".encode(), "invalid_request", "UTF-8"),
    "half a character": (f"{FORM}&x=%ed%a0%80".encode(), "invalid_request", "UTF-8"),
    "a character that is not escaped": (f"{FORM}&x=ä".encode(), "invalid_request", "UTF-8"),
    "too many parameters": ("&".join(f"p{n}=1" for n in range(33)).encode(), "invalid_request", "not a form"),
    "another grant type": (
        b"grant_type=client_credentials&username=ann&password=x",
        "unsupported_grant_type",
        "must be password",
    ),
    "another case of it": (FORM.replace("=password", "=Password").encode(), "unsupported_grant_type", "must be"),
    "a scope that is no grant": (f"{FORM}&scope=openid".encode(), "invalid_scope", "grant 1: "),
    "one grant of two": (f"{FORM}&scope=play:x+admin:y".encode(), "invalid_scope", "grant 2: no such action"),
    "two spaces": (f"{FORM}&scope=play:x++play:y".encode(), "invalid_scope", "grant 2: "),
    "many grants": (f"{FORM}&scope={'+'.join(['play:x'] * 101)}".encode(), "invalid_scope", "more than 100"),
}


@pytest.mark.parametrize(("content", "error", "why"), FORMS.values(), ids=FORMS)
async def test_a_form_that_cannot_be_read(service, web, content, error, why):
    answer = await web.send_form(content)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert why in answer.json()["error_description"]
    assert service.hasher.verified == 0


ACCEPTED = {
    "as browsers send it": FORM,
    "an unknown parameter": f"{FORM}&remember=1",
    "an unknown parameter without a value": f"{FORM}&remember=",
    "an empty scope": f"{FORM}&scope=",
    "escapes": FORM.replace("ann", "%61%6E%6e").replace("+", "%20"),
}


@pytest.mark.parametrize("form", ACCEPTED.values(), ids=ACCEPTED)
async def test_a_form_that_can_be_read(service, web, form):
    assert (await web.send_form(form.encode())).status_code == 200
    assert service.issuer.asked == [Wanted("ann", 300)]


async def test_a_password_in_another_script(service, web):
    service.users.users["ann"] = replace(ANN, hash="hash:пароль 😀+%")
    assert (await web.log_in("ann", "пароль 😀+%")).status_code == 200


async def test_nothing_is_read_from_the_address(web):
    answer = await web.send("POST", f"/login?{FORM}", data={"grant_type": "password"})
    assert answer.json()["error_description"] == "username: is missing"


CLIENTS = {
    "its login": ([("authorization", "Basic czpz")], {}, 401),
    "its login, in capitals": ([("authorization", "BASIC czpz")], {}, 401),
    "its login, cut off": ([("authorization", "basic")], {}, 401),
    "its login behind another": ([("authorization", "Bearer x"), ("authorization", "Basic czpz")], {}, 401),
    "its secret": ([], {"client_id": "s", "client_secret": "s"}, 400),
    "its assertion": ([], {"client_assertion_type": "x", "client_assertion": "s"}, 400),
    "its name alone": ([], {"client_id": "s"}, 200),
    "no secret": ([], {"client_id": "s", "client_secret": ""}, 200),
    "a token of before": ([("authorization", "Bearer x")], {}, 200),
    "another scheme": ([("authorization", "Basically s")], {}, 200),
}


@pytest.mark.parametrize(("headers", "more", "status"), CLIENTS.values(), ids=CLIENTS)
async def test_credentials_of_a_client_are_never_right(service, web, headers, more, status):
    answer = await web.log_in(headers=headers, **more)
    assert answer.status_code == status
    assert answer.headers.get("www-authenticate") == ('Basic realm="authgate"' if status == 401 else None)
    assert answer.json().get("error") == (None if status == 200 else "invalid_client")
    assert service.hasher.verified == (status == 200)


async def test_media_types_and_sizes(service, web):
    for kind in (None, "application/json", "multipart/form-data; boundary=x", "text/plain"):
        assert (await web.send_form(FORM.encode(), kind)).status_code == 415
    for size, status in ((8 * 1024, 200), (8 * 1024 + 1, 413)):
        filled = f"{FORM}&x=".ljust(size, "x").encode()
        assert (await web.send_form(filled)).status_code == status
    assert service.hasher.verified == 1


LOCKED = {"a right password": PASSWORD, "a wrong one": "wrong"}


@pytest.mark.parametrize("password", LOCKED.values(), ids=LOCKED)
async def test_who_is_locked_is_told_what_a_wrong_password_is_told(service, web, caplog, password):
    caplog.set_level(logging.INFO)
    wrong = await web.log_in("ann", "wrong")
    service.guessing.refused.add("ann")
    locked = await web.log_in("ann", password)
    assert (locked.status_code, locked.content) == (wrong.status_code, wrong.content)
    assert service.hasher.verified == 2
    assert service.guessing.evened == [ANN.hash, None]
    assert caplog.messages[-2] == "refused logins to user ann from 192.0.2.1: guessing_locked"


ADDRESSES = {
    "its own": ("192.0.2.1", [], "192.0.2.1"),
    "IPv6": ("2001:db8::1", [], "2001:db8::1"),
    "IPv4 in IPv6": ("::ffff:192.0.2.1", [], "192.0.2.1"),
    "none": (None, [], ""),
    "told by a proxy": ("192.0.2.9", ["203.0.113.1"], "203.0.113.1"),
    "told by somebody": ("198.51.100.1", ["203.0.113.1"], "198.51.100.1"),
}


@pytest.mark.parametrize(("peer", "forwarded", "address"), ADDRESSES.values(), ids=ADDRESSES)
async def test_a_guess_is_counted_under_the_address_that_trusted_proxies_tell(peer, forwarded, address):
    service = FakeService(caller={"trusted_proxies": ["192.0.2.9"]})
    await Web(service, peer).log_in("Ann", "wrong", headers=[("x-forwarded-for", each) for each in forwarded])
    guess = service.guessing.guesses[0]
    assert (guess.user, guess.exists, guess.address, guess.app_key) == ("ann", True, address, "")
    assert service.guessing.told == ["wrong", "over"]


BANNED = {"a user": ("ann", 1), "an address": ("192.0.2.1", 0)}


@pytest.mark.parametrize(("ban", "hashes"), BANNED.values(), ids=BANNED)
async def test_who_is_banned_gets_no_token(service, web, caplog, ban, hashes):
    caplog.set_level(logging.INFO)
    service.guessing.bans.add(ban)
    answer = await web.log_in()
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert service.hasher.verified == hashes
    assert service.issuer.asked == []
    assert caplog.messages[-2].endswith("from 192.0.2.1: banned")


async def test_nobody_logs_in_while_it_is_not_known_who_is_banned(service, web):
    service.guessing.away = True
    assert (await web.log_in()).status_code == 503


UNHEARD = {
    "a proxy that nobody told us of": ("198.51.100.1", "203.0.113.1", True),
    "one that speaks for nobody": ("198.51.100.1", None, False),
    "one that is trusted": ("192.0.2.9", "203.0.113.1", False),
    "one that is trusted and says nothing that can be read": ("192.0.2.9", "unknown", False),
    "no address": (None, "203.0.113.1", False),
}


@pytest.mark.parametrize(("peer", "forwarded", "told"), UNHEARD.values(), ids=UNHEARD)
async def test_a_proxy_that_is_not_trusted_is_told_of_once_a_minute(caplog, peer, forwarded, told):
    service = FakeService(caller={"trusted_proxies": ["192.0.2.9"]})
    web, headers = Web(service, peer), [("x-forwarded-for", forwarded)] if forwarded else []
    for _ in range(3):
        assert (await web.log_in(headers=headers)).status_code == 200
    assert service.tally["forwarded_not_trusted"] == (3 if told else 0)
    assert [each.getMessage() for each in caplog.records if each.levelname == "WARNING"] == [
        "/login was passed on by 198.51.100.1, which is not in caller.trusted_proxies: all of it counts as its own"
    ] * told


TROUBLE = {"the store is away": StoreError("the store is away"), "too many hash": Overloaded("too many wait")}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
async def test_trouble_is_no_refusal(service, web, trouble):
    async def fails(*_):
        raise trouble

    service.hasher.verify = fails
    answer = await web.log_in()
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert service.tally == {"logins_unavailable": 1}


async def test_what_the_issuer_refuses_after_a_right_password_is_our_trouble(service, web):
    for trouble in (Refused("the token would be too long"), SigningError("no key signs; run: authgate key generate")):
        service.issuer.trouble = trouble
        answer = await web.log_in()
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert answer.json()["error_description"] == "this cannot be done now; try again in a moment"


async def test_nobody_logs_in_where_no_verifier_takes_passwords(service, web):
    service.config = service.config.model_copy(update={"verifiers": ()})
    assert (await web.log_in()).status_code == 503


async def test_the_deadline_ends_a_hash_that_hangs():
    service = FakeService(deadline=0.05)

    async def hangs(*_):
        await asyncio.Event().wait()

    service.hasher.verify = hangs
    assert (await Web(service).log_in()).status_code == 503


async def test_the_log_says_who_and_nothing_secret(web, caplog):
    caplog.set_level(logging.INFO)
    await web.log_in("Ann")
    await web.log_in("Bob")
    await web.log_in("Ann", "c4nary wrong")
    await web.log_in("c4nary in the wrong field", "x")
    await web.log_in("c4nary\0", "x")
    await web.log_in(scope="c4nary")
    await web.send_form(b"grant_type=c4nary&username=c4nary&password=c4nary")
    told = [each.getMessage() for each in caplog.records if "authgate" in each.name]
    assert told == [
        "issued a token by login from 192.0.2.1: user ann, jti jti-1, 300 seconds",
        "refused logins to user bob from 192.0.2.1: user_disabled",
        "refused logins to user ann from 192.0.2.1: password_wrong",
        "refused logins to somebody from 192.0.2.1: user_unknown",
        "refused logins to somebody from 192.0.2.1: user_unknown",
        "refused logins to somebody from 192.0.2.1: scope, grant 1: is no grant",
        "refused logins to somebody from 192.0.2.1: grant_type: must be password",
    ]
    assert "c4nary" not in caplog.text
