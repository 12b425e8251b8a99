"""What administration does with tokens, on each database."""

import time

import pytest

from authgate import admin
from authgate.errors import BadName, Refused, SigningError
from authgate.issuance import Wanted
from authgate.key_sets import KeySets
from authgate.model import NOWHERE, Credentials, Principal, Reason, Secret, User
from authgate.ports import Means
from authgate.signing import Issuer, Ring
from authgate.verifiers.issued import IssuedVerifier
from authgate.verifiers.password import PasswordVerifier
from authgate.verifiers.token import TokenVerifier
from authgate.wiring import LiveKeys
from tests.fakes import FakeGuessing, FakeHasher
from tests.verifiers.fakes import shown
from tests.verifiers.forge import SECRET, signed

ONLY_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
MASTER = Secret("a master key of forty bytes, for the tests")
OURS = IssuedVerifier((MASTER,))
ANYBODYS = IssuedVerifier((MASTER,), users="optional")
SHARED = TokenVerifier(Secret(SECRET), issuer="webapp")
LOOSE = TokenVerifier(Secret(SECRET), issuer="webapp", users="optional")
EVERY = (SHARED, OURS, PasswordVerifier())


class World:
    """A store with a key and two users, and what verifiers need to ask it."""

    def __init__(self, store):
        self.store = store
        self.keys = LiveKeys(KeySets({}, store.key_sets), Ring(store.signing_keys, (MASTER,)), store.watch)
        self.keys.take_over()

    def means(self, **given):
        store = self.store
        asked = (
            store.users,
            FakeHasher(),
            self.keys,
            store.revocations,
            store.one_time,
            store.stream_keys,
            FakeGuessing(),
        )
        return Means(*asked, **({"now": time.time()} | given))

    async def issue(self, verifier=OURS, user="ann", ttl=60, **wanted):
        by = Issuer(verifier, self.store.users, self.keys.ring, self.store.watch.look)
        return await admin.issue_token(by, Wanted(user, ttl, **wanted), time.time())

    async def check(self, text, verifiers=EVERY):
        await self.store.watch.look()
        return await admin.check_token(self.means(dry=True), verifiers, text)

    async def outcome(self, text, verifier=OURS, where=NOWHERE):
        """What a client comes to that shows it."""
        await self.store.watch.look()
        answer = await verifier.verify(Credentials(token=Secret(text)), self.means(where=shown(where)))
        return answer if isinstance(answer, Reason) else Reason.OK


@pytest.fixture
async def world(store):
    await store.users.add(User("ann", "Ann"))
    await store.users.add(User("bob", "Bob"))
    await admin.generate_key(store, OURS)
    return World(store)


def of_others(**claims):
    """A token of the web application's."""
    now = int(time.time())
    return signed({"sub": "ann", "iss": "webapp", "iat": now, "exp": now + 3_600, "jti": "theirs"} | claims)


async def test_what_is_issued_is_told_in_full(world):
    token = await world.issue(grants=("play:a",), app_keys=("live",), once=True)
    report = await world.check(token.text.reveal())
    assert report.valid
    assert (report.verifier, report.subject, report.token_id) == (OURS, "ann", token.token_id)
    assert (report.key_id, report.expires_at, report.grants) == (token.key_id, token.expires_at, ("play:a",))
    assert (report.shape, report.bound, report.once) == ("JWT", {"appKey": ("live",)}, True)


async def test_each_shape_is_told(world):
    key, _ = await admin.add_stream_key(world.store, OURS, Wanted("ann", 0, streams=("room-*",)), "publish")
    address = await admin.sign_address(world.store, OURS, Wanted("ann", 60, streams=("room-1",)), time.time())
    shapes = [await world.check(text) for text in (key, address)]
    assert [(each.shape, each.reason, each.grants) for each in shapes] == [
        ("stream key", Reason.OK, ("publish:room-*",)),
        ("signed address", Reason.OK, ("play:room-1",)),
    ]


REVOKED = {
    "a token": lambda store, token: admin.revoke_token(store, token.token_id),
    "its user": lambda store, token: admin.revoke_user(store, "ANN"),
    "its issuer": lambda store, token: admin.revoke_issued(store, "issuer", "authgate", ever=True),
    "its key": lambda store, token: admin.revoke_issued(store, "key", token.key_id, ever=True),
    "by another password": lambda store, token: store.users.change("ann", {"hash": "hash:other"}),
    "by no password": lambda store, token: store.users.change("ann", {"hash": None}),
    "by other grants": lambda store, token: admin.set_grants(store, "ann", ["play:*"]),
    "by no grants": lambda store, token: admin.set_grants(store, "ann", None),
    "by a group": lambda store, token: _joined(store),
}


async def _joined(store):
    await admin.add_group(store, "crew", ["play:*"])
    await admin.join(store, "crew", ["ann"])


@pytest.mark.parametrize("revoke", REVOKED.values(), ids=REVOKED)
async def test_what_is_revoked_is_refused(world, revoke):
    token = await world.issue()
    text = token.text.reveal()
    assert await world.outcome(text) is Reason.OK
    await revoke(world.store, token)
    assert await world.outcome(text) is Reason.TOKEN_REVOKED
    assert (await world.check(text)).reason is Reason.TOKEN_REVOKED


async def _blinked(store):
    await admin.set_enabled(store, "ann", enabled=False)
    await admin.set_enabled(store, "ann", enabled=True)


@ONLY_SQLITE
@pytest.mark.parametrize("change", ["another password", "disabled and enabled", "other grants"])
async def test_within_one_second_what_is_issued_after_is_good_and_what_was_before_is_not(world, change):
    """By the generation, which tells what ``iat`` in whole seconds cannot."""
    for _ in range(3):
        before = (await world.issue()).text.reveal()
        if change == "another password":
            await world.store.users.change("ann", {"hash": "hash:other"})
        elif change == "other grants":
            await admin.set_grants(world.store, "ann", ["play:*"])
        else:
            await _blinked(world.store)
        after = (await world.issue()).text.reveal()
        assert await world.outcome(before) is Reason.TOKEN_REVOKED
        assert await world.outcome(after) is Reason.OK


@ONLY_SQLITE
async def test_a_user_who_is_added_again_does_not_get_old_tokens_back(world):
    text = (await world.issue()).text.reveal()
    await admin.delete_user(world.store, "ann")
    assert await world.outcome(text) in (Reason.USER_UNKNOWN, Reason.TOKEN_REVOKED)
    await world.store.users.add(User("ann", "Ann"))
    assert await world.outcome(text) is Reason.TOKEN_REVOKED


@ONLY_SQLITE
async def test_a_deleted_user_is_not_let_in_by_a_verifier_that_needs_no_user(world):
    text = of_others()
    assert await world.outcome(text, LOOSE) is Reason.OK
    await admin.delete_user(world.store, "ann")
    assert await world.outcome(text, LOOSE) is Reason.TOKEN_REVOKED


OTHERS = {
    "issued before": ({"iat": -2}, Reason.TOKEN_REVOKED),
    "issued in the same second": ({"iat": 0}, Reason.TOKEN_REVOKED),
    "issued after": ({"iat": 2}, Reason.OK),
    "that does not say when": ({"iat": None}, Reason.TOKEN_REVOKED),
    "that says it was never valid before, by nbf": ({"iat": -2, "nbf": 0}, Reason.TOKEN_REVOKED),
}


@pytest.mark.parametrize("user", ["ann", "cid"], ids=["in the store", "unknown to the store"])
@pytest.mark.parametrize(("claims", "outcome"), OTHERS.values(), ids=OTHERS)
async def test_tokens_of_others_are_cut_off_by_when_they_were_issued(world, claims, outcome, user):
    now = int(time.time())
    moved = {name: None if shift is None else now + shift for name, shift in claims.items()}
    said = {"sub": user, "iss": "webapp", "exp": now + 60, **{name: at for name, at in moved.items() if at is not None}}
    assert await world.outcome(signed(said), LOOSE) is Reason.OK
    known = await admin.revoke_user(world.store, user)
    assert known == (user == "ann")
    assert await world.outcome(signed(said), LOOSE) is outcome


async def test_revoking_somebody_leaves_others_alone(world):
    bobs = (await world.issue(user="bob")).text.reveal()
    await admin.revoke_user(world.store, "ann")
    await admin.revoke_token(world.store, "another")
    await admin.revoke_issued(world.store, "issuer", "webapp")
    assert await world.outcome(bobs) is Reason.OK


async def test_an_issuer_may_issue_again_after_what_it_issued_was_revoked(world):
    old = of_others(iat=int(time.time()) - 5)
    await admin.revoke_issued(world.store, "issuer", "webapp")
    assert await world.outcome(old, SHARED) is Reason.TOKEN_REVOKED
    assert await world.outcome(of_others(iat=int(time.time()) + 2), SHARED) is Reason.OK
    await admin.revoke_issued(world.store, "issuer", "webapp", ever=True)
    assert await world.outcome(of_others(iat=int(time.time()) + 2), SHARED) is Reason.TOKEN_REVOKED
    await admin.revoke_issued(world.store, "issuer", "webapp")
    assert await world.outcome(of_others(iat=int(time.time()) + 2), SHARED) is Reason.TOKEN_REVOKED, "never less"


async def test_revocations_are_listed_by_kind_and_name(world):
    for name in ("b", "a", "é"):
        await admin.revoke_token(world.store, name)
    await admin.revoke_user(world.store, "ann")  # who has a row has it noted there
    await admin.revoke_user(world.store, "cid")
    assert [(made.kind, made.value) for made in await admin.revocations(world.store)] == [
        ("jti", "a"),
        ("jti", "b"),
        ("jti", "é"),
        ("user", "cid"),
    ]


@ONLY_SQLITE
@pytest.mark.parametrize("name", ["", "x" * 256, "a\0b"], ids=["empty", "too long", "NUL"])
async def test_what_is_no_name_of_a_token_is_not_revoked(world, name):
    with pytest.raises(Refused, match="1 to 255 characters"):
        await admin.revoke_token(world.store, name)


@ONLY_SQLITE
async def test_what_is_over_is_forgotten(world):
    await admin.revoke_token(world.store, "old", expires_at=5)
    await admin.revoke_token(world.store, "new")
    assert [made.value for made in await admin.revocations(world.store)] == ["new"]


async def test_stream_keys_are_listed_and_revoked(world):
    made = [
        await admin.add_stream_key(world.store, OURS, Wanted(user, ttl, app_keys=app, streams=("a",)), "play")
        for user, ttl, app in (("ann", 0, ("live",)), ("bob", 60, ()))
    ]
    assert {key.prefix for _, key in made} == {key.prefix for key in await admin.stream_keys(world.store)}
    assert [key.user for key in await admin.stream_keys(world.store, "ANN")] == ["ann"]
    text, key = made[0]
    assert key.expires_at is None
    assert await world.outcome(text) is Reason.TOKEN_APP
    await admin.revoke_stream_key(world.store, key.prefix)
    assert await world.outcome(text) is Reason.TOKEN_INVALID
    with pytest.raises(Refused, match="there is no stream key"):
        await admin.revoke_stream_key(world.store, key.prefix)


async def test_the_store_has_no_stream_key_that_could_be_used(world):
    text, key = await admin.add_stream_key(world.store, OURS, Wanted("ann", 0, streams=("a",)), "publish")
    assert text not in repr(await world.store.stream_keys.find(key.prefix))
    assert text.rpartition("_")[2] not in (await world.store.stream_keys.find(key.prefix)).digest


@ONLY_SQLITE
async def test_a_stream_key_is_made_ahead_of_its_user_s_time(world):
    await world.store.users.add(User("early", "Early", not_before=253_402_300_799))
    text, _ = await admin.add_stream_key(world.store, OURS, Wanted("early", 0, streams=("a",)), "publish")
    assert await world.outcome(text) is Reason.USER_NOT_YET_VALID


NO_STREAM_KEY = {
    "an unknown user": ({"user": "cid"}, "there is no user 'cid'"),
    "a disabled user": ({"user": "bob"}, "'bob' is disabled"),
    "an expired user": ({"user": "late"}, "'late' has expired"),
    "an unknown action": ({"action": "watch"}, "there is no action 'watch'"),
    "no stream": ({"streams": ("",)}, "a pattern is not empty"),
    "a placeholder": ({"streams": ("{user}-*",)}, "placeholders"),
    "a stream that is never sure": ({"streams": ("a/../b",)}, "could never"),
    "an application without a name": ({"app_keys": ("",)}, "appKey is a text"),
}


@ONLY_SQLITE
@pytest.mark.parametrize(("given", "words"), NO_STREAM_KEY.values(), ids=NO_STREAM_KEY)
async def test_what_cannot_be_a_stream_key(world, given, words):
    await admin.set_enabled(world.store, "bob", enabled=False)
    await world.store.users.add(User("late", "Late", expires_at=1))
    given = {"user": "ann", "ttl": 60, "streams": ("a",)} | given
    action = given.pop("action", "play")
    with pytest.raises(Refused, match=words):
        await admin.add_stream_key(world.store, OURS, Wanted(**given), action)
    if action == "play":
        with pytest.raises(Refused, match=words):
            await admin.sign_address(world.store, OURS, Wanted(**given), time.time())


@ONLY_SQLITE
@pytest.mark.parametrize("ttl", [0, -1, 86_401])
async def test_a_signed_address_lives_for_a_while_and_not_for_ever(world, ttl):
    with pytest.raises(Refused, match="1 to 86400 seconds"):
        await admin.sign_address(world.store, OURS, Wanted("ann", ttl, streams=("a",)), time.time())


@ONLY_SQLITE
async def test_who_needs_no_row_gets_every_shape(world):
    key, _ = await admin.add_stream_key(world.store, ANYBODYS, Wanted("cid", 60, streams=("a",)), "play")
    address = await admin.sign_address(world.store, ANYBODYS, Wanted("cid", 60, streams=("a",)), time.time())
    token = (await world.issue(ANYBODYS, "cid")).text.reveal()
    for text in (key, address, token):
        assert await world.outcome(text, ANYBODYS) is Reason.OK
        assert await world.outcome(text, OURS) is Reason.USER_UNKNOWN
    await admin.revoke_user(world.store, "cid")
    for text in (key, address, token):
        assert await world.outcome(text, ANYBODYS) is Reason.TOKEN_REVOKED


@ONLY_SQLITE
async def test_a_user_is_created_on_first_sight(world):
    verifier = TokenVerifier(Secret(SECRET), issuer="webapp", users="create")
    text = of_others(sub="Émile")
    assert (await world.check(text, [verifier])).valid
    assert await world.store.users.find("émile") is None, "asking creates nobody"
    answer = await verifier.verify(Credentials(token=Secret(text)), world.means(where=shown(NOWHERE)))
    assert isinstance(answer, Principal)
    assert (answer.user, answer.stored_user) == ("émile", True)
    found = await world.store.users.find("émile")
    assert (found.enabled, found.hash) == (True, None)
    await admin.set_enabled(world.store, "émile", enabled=False)
    assert await world.outcome(text, verifier) is Reason.USER_DISABLED


REPORTS = {
    "expired": (of_others(exp=5), Reason.TOKEN_EXPIRED, "ann"),
    "not yet": (of_others(nbf=int(time.time()) + 9_999), Reason.TOKEN_NOT_YET_VALID, "ann"),
    "unknown user": (of_others(sub="cid"), Reason.USER_UNKNOWN, "cid"),
    "another key": (signed({"sub": "ann", "iss": "webapp"}, key="x" * 32), Reason.TOKEN_INVALID, None),
    "too long": ("x" * 8193, Reason.TOKEN_TOO_LONG, None),
    "empty": ("", Reason.TOKEN_INVALID, None),
}


@ONLY_SQLITE
@pytest.mark.parametrize(("token", "reason", "subject"), REPORTS.values(), ids=REPORTS)
async def test_token_that_is_not_valid(world, token, reason, subject):
    report = await world.check(token, [SHARED, PasswordVerifier()])
    assert not report.valid
    assert (report.reason, report.subject, report.verifier) == (reason, subject, SHARED)


@ONLY_SQLITE
async def test_token_of_another_issuer(world):
    report = await world.check(of_others(iss="other"))
    assert (report.reason, report.verifier) == (Reason.CREDENTIALS_UNRECOGNIZED, None)


@ONLY_SQLITE
async def test_nothing_is_issued_without_a_key(world):
    for key in await admin.signing_keys(world.store):
        await admin.delete_key(world.store, OURS, key.id, force=True, leave_none=True)
    with pytest.raises(SigningError, match="authgate key generate"):
        await world.issue()


@ONLY_SQLITE
async def test_a_name_that_cannot_be_one(world):
    with pytest.raises(BadName):
        await admin.revoke_user(world.store, "a\0")
    with pytest.raises(BadName):
        await world.issue(user="")
