"""Stream keys and signed addresses: known by every character, and good for what they were made for."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.errors import StoreError
from authgate.model import Credentials, Principal, Reason, Secret, User, Where
from authgate.verifiers import short
from authgate.verifiers.issued import IssuedVerifier
from authgate.verifiers.token import TokenVerifier
from tests.verifiers.fakes import shown
from tests.verifiers.forge import NOW, SECRET
from tests.verifiers.ours import (
    ANN,
    ANYBODYS,
    CONNECTING,
    MASTER,
    OTHER_MASTER,
    OURS,
    PLAYING,
    PREFIX,
    PUBLISHING,
    STREAM_KEY,
    address,
    means_of,
    outcome,
    signed_head,
    stream_key,
)

SECRET_PART = STREAM_KEY.rpartition("_")[2]
OTHER_SECRET = short.new_stream_key()[0].rpartition("_")[2]


async def test_what_a_stream_key_says() -> None:
    using = means_of(rows=(stream_key(),), where=PUBLISHING)
    client = await OURS.verify(Credentials(token=Secret(STREAM_KEY)), using)
    assert isinstance(client, Principal)
    assert (client.user, client.grants, client.expires_at) == ("ann", ("publish:room-*",), None)
    assert client.bound == {"action": ("publish",), "stream": ("room-*",), "appKey": ("live",)}
    assert (client.token_id, client.generation) == (PREFIX, 7)


NO_KEYS = {
    "a wrong secret": f"sk_{PREFIX}_{OTHER_SECRET}",
    "a prefix that is not there": f"sk_aaaaaaaa_{SECRET_PART}",
    "in capitals": "sk_" + STREAM_KEY[3:].upper(),
    "the secret in capitals": f"sk_{PREFIX}_{SECRET_PART.upper()}",
    "a line end after it": STREAM_KEY + "\n",
    "a NUL after it": STREAM_KEY + "\0",
    "a space before the prefix": f"sk_ {PREFIX}_{SECRET_PART}",
    "a space after it": STREAM_KEY + " ",
    "padded": STREAM_KEY + "=",
    "the prefix alone": f"sk_{PREFIX}",
    "the prefix and no secret": f"sk_{PREFIX}_",
    "the secret cut": STREAM_KEY[:-1],
    "the secret and more": STREAM_KEY + "a",
    "the secret twice": f"{STREAM_KEY}_{SECRET_PART}",
    "no prefix": f"sk__{SECRET_PART}",
    "the word alone": "sk_",
    "the digest in place of the secret": f"sk_{PREFIX}_{stream_key().digest[:32]}",
    "the digest alone": f"sk_{stream_key().digest}",
    "a wildcard for the prefix": f"sk_%%%%%%%%_{SECRET_PART}",
    "SQL for the prefix": f"sk_' OR '1'='1_{SECRET_PART}",
    "full-width letters": f"sk_{PREFIX}_{SECRET_PART[:-1]}ａ",
    "a digit that is none here": f"sk_{PREFIX}_{SECRET_PART[:-1]}1",
    "a lone surrogate": f"sk_{PREFIX}_{SECRET_PART[:-1]}\ud800",
    "huge": "sk_" + "a" * 1_000_000,
    "a query after it": f"{STREAM_KEY}?appKey=x",
}


@pytest.mark.parametrize("text", NO_KEYS.values(), ids=NO_KEYS)
async def test_what_is_not_the_key_is_invalid(text: str) -> None:
    assert await outcome(text, using=means_of(rows=(stream_key(),), where=PUBLISHING)) is Reason.TOKEN_INVALID


def on(where: Where, **changes: str) -> Where:
    return dataclasses.replace(where, **changes)  # type: ignore[arg-type]


KEYS: dict[str, tuple[dict[str, object], Where | None, Reason]] = {
    "publishes": ({}, PUBLISHING, Reason.OK),
    "connects": ({}, CONNECTING, Reason.OK),
    "is only asked about": ({}, None, Reason.OK),
    "plays with a key to publish": ({}, PLAYING, Reason.TOKEN_STREAM),
    "publishes with a key to play": ({"action": "play"}, PUBLISHING, Reason.TOKEN_STREAM),
    "plays with a key to play": ({"action": "play"}, PLAYING, Reason.OK),
    "calls": ({}, on(PUBLISHING, action="call", name="room-1"), Reason.TOKEN_STREAM),
    "sends data": ({}, on(PUBLISHING, action="data", name="live"), Reason.TOKEN_STREAM),
    "does what nobody knows": ({}, on(PUBLISHING, action="teleport"), Reason.TOKEN_STREAM),
    "another application": ({}, on(PUBLISHING, app_key="other"), Reason.TOKEN_APP),
    "the application in capitals": ({}, on(PUBLISHING, app_key="LIVE"), Reason.TOKEN_APP),
    "no application": ({}, on(PUBLISHING, app_key=""), Reason.TOKEN_APP),
    "connects to another application": ({}, on(CONNECTING, app_key="other"), Reason.TOKEN_APP),
    "any application": ({"app_key": ""}, on(PUBLISHING, app_key="other"), Reason.OK),
    "another stream": ({}, on(PUBLISHING, name="hall-1"), Reason.TOKEN_STREAM),
    "no stream": ({}, on(PUBLISHING, name=""), Reason.TOKEN_STREAM),
    "the stream in capitals": ({}, on(PUBLISHING, name="ROOM-1"), Reason.OK),
    "the stream encoded": ({}, on(PUBLISHING, name="%72oom-1"), Reason.TOKEN_STREAM),
    "out of the stream by dots": ({}, on(PUBLISHING, name="room-1/../hall"), Reason.TOKEN_STREAM),
    "out of the stream by encoded dots": ({}, on(PUBLISHING, name="room-1%2f%2e%2e%2fhall"), Reason.TOKEN_STREAM),
    "out of the stream by a backslash": ({}, on(PUBLISHING, name="room-1\\..\\hall"), Reason.TOKEN_STREAM),
    "an address whose path is the stream": ({}, on(PUBLISHING, name="rtmp://else.example/room-1"), Reason.TOKEN_STREAM),
    "expires now": ({"expires_at": NOW}, PUBLISHING, Reason.TOKEN_EXPIRED),
    "expires in a second": ({"expires_at": NOW + 1}, PUBLISHING, Reason.OK),
    "expired long ago": ({"expires_at": 5}, CONNECTING, Reason.TOKEN_EXPIRED),
    "an earlier generation": ({"generation": 6}, PUBLISHING, Reason.TOKEN_REVOKED),
    "another user's row": ({"user": "bob"}, PUBLISHING, Reason.USER_DISABLED),
    "a user who is gone": ({"user": "cid"}, PUBLISHING, Reason.USER_UNKNOWN),
}


@pytest.mark.parametrize(("row", "where", "reason"), KEYS.values(), ids=KEYS)
async def test_a_stream_key_does_what_it_is_for(row: dict[str, object], where: Where | None, reason: Reason) -> None:
    using = means_of(rows=(stream_key(**row),), where=where)
    for text in (STREAM_KEY, f"Bearer {STREAM_KEY}"):
        assert await outcome(text, using=using) is reason


async def test_a_stream_key_of_a_user_whom_the_store_need_not_have() -> None:
    using = means_of(rows=(stream_key(user="cid", generation=None),), where=PUBLISHING)
    assert await outcome(STREAM_KEY, ANYBODYS, using) is Reason.OK
    assert await outcome(STREAM_KEY, OURS, using) is Reason.USER_UNKNOWN


async def test_a_stream_key_made_before_its_user_was_cut_off_is_refused() -> None:
    cut = User("ann", "Ann", generation=9, cut_off_at=NOW * 1000)
    for generation in (None, 7):
        using = means_of(cut, rows=(stream_key(generation=generation),), where=PUBLISHING)
        assert await outcome(STREAM_KEY, using=using) is Reason.TOKEN_REVOKED


async def test_a_one_time_stream_key_is_good_for_one_stream() -> None:
    using = means_of(rows=(stream_key(once=True),), where=PUBLISHING)
    assert [await outcome(STREAM_KEY, using=using) for _ in range(2)] == [Reason.OK, Reason.OK]
    for holder in ("n\ns\nm2", "n\ns2\nm", "n2\ns\nm", ""):
        using = dataclasses.replace(using, where=shown(on(PUBLISHING, holder=holder)))
        assert await outcome(STREAM_KEY, using=using) is Reason.TOKEN_USED


async def test_a_stream_key_that_cannot_be_looked_up_lets_nobody_in() -> None:
    class Away:
        async def find(self, prefix: str) -> None:
            raise StoreError("away")

    with pytest.raises(StoreError):
        await outcome(STREAM_KEY, ANYBODYS, means_of(stream_keys=Away()))


async def test_what_cannot_be_a_stream_key_is_not_looked_up() -> None:
    class Counting:
        asked = 0

        async def find(self, prefix: str) -> None:
            self.asked += 1

    keys = Counting()
    for text in NO_KEYS.values():
        await outcome(text, using=means_of(stream_keys=keys))
    assert keys.asked == sum(short.prefix_of(text) is not None for text in NO_KEYS.values()) < 4


def test_no_other_verifier_takes_short_tokens() -> None:
    other = TokenVerifier(Secret(SECRET))
    for text in (STREAM_KEY, address(), f"Bearer {STREAM_KEY}", "sk_", "su~"):
        assert other.read(text, NOW) is None


@given(st.integers(3, len(STREAM_KEY) - 1), st.characters())
def test_no_character_of_a_stream_key_can_be_another(at: int, other: str) -> None:
    changed = STREAM_KEY[:at] + other + STREAM_KEY[at + 1 :]
    known = short.prefix_of(changed) is not None and short.matches(changed, stream_key().digest)
    assert known == (changed == STREAM_KEY)


# Signed addresses.

GOOD = address()
NAME = short.digest(GOOD)[:32]  # by which it is revoked
FIELDS = GOOD.split("~")  # su, expires, issued, generation, user, appKey, pattern, MAC


async def test_what_a_signed_address_says() -> None:
    client = await OURS.verify(Credentials(token=Secret(GOOD)), means_of(where=PLAYING))
    assert isinstance(client, Principal)
    assert (client.user, client.grants, client.expires_at) == ("ann", ("play:room-*",), NOW + 60)
    assert client.bound == {"action": ("play",), "stream": ("room-*",), "appKey": ("live",)}
    assert (client.token_id, client.generation) == (NAME, 7)
    assert NAME not in GOOD, "it is shown to people, who must not be able to use it"
    assert FIELDS[-1] not in NAME


def changed(**fields: str) -> str:
    """With some fields put in place of others, by their numbers; the MAC stays."""
    return "~".join(fields.get(f"f{at}", field) for at, field in enumerate(FIELDS))


LATER = short.signed(MASTER, short.Signed("ann", NOW + 9_999, NOW - 60, "room-*", "live", 7))
FORGED = {
    "expires later": changed(f1=LATER.split("~")[1]),
    "expires later, with the MAC of another user's": changed(f1=address(user="bob").split("~")[1], f7=LATER[-22:]),
    "issued later": changed(f2="zzzzzz"),
    "another generation": changed(f3="8"),
    "no generation": changed(f3=""),
    "the same generation, written otherwise": changed(f3="07"),
    "another user": changed(f4="bob"),
    "the user in capitals": changed(f4="ANN"),
    "the user written otherwise": changed(f4="!YW5u"),
    "another application": changed(f5="other"),
    "any application": changed(f5=""),
    "another stream": changed(f6="*"),
    "user and application swapped": changed(f4="live", f5="ann"),
    "the times swapped": changed(f1=FIELDS[2], f2=FIELDS[1]),
    "a tilde moved from one field to the next": changed(f4="an", f5="nlive"),
    "fields joined": GOOD.replace("~live~", "live~"),
    "the MAC cut": GOOD[:-1],
    "the MAC cut to nothing": GOOD[:-22],
    "no MAC": GOOD[:-23],
    "the MAC extended": GOOD + "A",
    "the MAC padded": GOOD + "==",
    "the MAC twice": f"{GOOD}~{FIELDS[-1]}",
    "the MAC in capitals": changed(f7=FIELDS[-1].upper()),
    "unused bits of the MAC": GOOD[:-1] + chr(ord(GOOD[-1]) + 1),
    "a line end after it": GOOD + "\n",
    "a space after it": GOOD + " ",
    "a lone surrogate": GOOD + "\ud800",
    "full-width letters": GOOD.replace("room", "ｒoom"),
    "another master key": address(OTHER_MASTER),
    "a short hash in place of the MAC": changed(f7="a" * 22),
    "a field less": "~".join(FIELDS[:5] + FIELDS[6:]),
    "a field more": "~".join([*FIELDS[:6], "x", *FIELDS[6:]]),
    "no fields": "su~",
    "tildes alone": "su~~~~~~~",
    # by us, and yet nothing that can be understood
    "a field less, by us": signed_head("su~a~a~7~ann~room-*"),
    "a field more, by us": signed_head("su~zzzzzz~a~7~ann~live~x~room-*"),
    "no number, by us": signed_head("su~!~a~7~ann~live~room-*"),
    "no user, by us": signed_head("su~zzzzzz~a~7~~live~room-*"),
    "a user of no text, by us": signed_head("su~zzzzzz~a~7~!_w~live~room-*"),
    "a user of half a letter, by us": signed_head("su~zzzzzz~a~7~!a~live~room-*"),
    "a user whom nobody sees, by us": signed_head(
        "su~zzzzzz~a~7~!" + short.signed(MASTER, short.Signed("a\u200b", 1, 1, "x")).split("~!")[1][:6] + "~live~x"
    ),
}


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED)
async def test_what_we_did_not_sign_is_invalid(text: str) -> None:
    for using in (means_of(where=PLAYING), means_of()):
        assert await outcome(text, ANYBODYS, using) is Reason.TOKEN_INVALID
    assert ANYBODYS.claimed(Credentials(token=Secret(text)), means_of(), Reason.TOKEN_INVALID) is None


ADDRESSES: dict[str, tuple[dict[str, object], Where | None, Reason]] = {
    "plays": ({}, PLAYING, Reason.OK),
    "connects": ({}, CONNECTING, Reason.OK),
    "publishes": ({}, PUBLISHING, Reason.TOKEN_STREAM),
    "another application": ({}, on(PLAYING, app_key="other"), Reason.TOKEN_APP),
    "any application": ({"app_key": ""}, on(PLAYING, app_key="other"), Reason.OK),
    "another stream": ({}, on(PLAYING, name="hall"), Reason.TOKEN_STREAM),
    "out of the stream by dots": ({}, on(PLAYING, name="room-1/../hall"), Reason.TOKEN_STREAM),
    "the stream encoded": ({}, on(PLAYING, name="room%2d1"), Reason.TOKEN_STREAM),
    "a tilde in the stream": ({"pattern": "room~1"}, on(PLAYING, name="room~1"), Reason.OK),
    "a tilde in the stream, another one": ({"pattern": "room~1"}, on(PLAYING, name="room"), Reason.TOKEN_STREAM),
    "a tilde in the application": ({"app_key": "a~b"}, on(PLAYING, app_key="a~b"), Reason.OK),
    "a tilde in the application, a part of it": ({"app_key": "a~b"}, on(PLAYING, app_key="a"), Reason.TOKEN_APP),
    "an exclamation mark first": ({"pattern": "!x"}, on(PLAYING, name="!x"), Reason.OK),
    "Cyrillic": ({"pattern": "зал-*"}, on(PLAYING, name="Зал-1"), Reason.OK),
    "a user of another script": ({"user": "émile"}, PLAYING, Reason.USER_UNKNOWN),
    "expires within the leeway": ({"expires_at": NOW - 29}, PLAYING, Reason.OK),
    "expired to the second": ({"expires_at": NOW - 30}, PLAYING, Reason.TOKEN_EXPIRED),
    "expired at the beginning of time": ({"expires_at": 0}, PLAYING, Reason.TOKEN_EXPIRED),
    "an earlier generation": ({"generation": 6}, PLAYING, Reason.TOKEN_REVOKED),
    "no generation, of a user who was never cut off": ({"generation": None}, PLAYING, Reason.OK),
    "a disabled user": ({"user": "bob"}, PLAYING, Reason.USER_DISABLED),
    "an unknown user": ({"user": "cid"}, PLAYING, Reason.USER_UNKNOWN),
}


@pytest.mark.parametrize(("said", "where", "reason"), ADDRESSES.values(), ids=ADDRESSES)
async def test_a_signed_address_does_what_it_is_for(
    said: dict[str, object], where: Where | None, reason: Reason
) -> None:
    for text in (address(**said), f"bearer {address(**said)}"):
        assert await outcome(text, using=means_of(where=where)) is reason


async def test_every_master_key_opens_what_it_signed_and_the_first_one_need_not_be_it() -> None:
    both = IssuedVerifier((OTHER_MASTER, MASTER))
    assert [await outcome(address(each), both) for each in (MASTER, OTHER_MASTER)] == [Reason.OK, Reason.OK]
    assert await outcome(address(), IssuedVerifier((OTHER_MASTER,))) is Reason.TOKEN_INVALID


async def test_an_address_that_is_too_long_is_only_measured() -> None:
    exact = IssuedVerifier((MASTER,), max_length=128)
    text = address(pattern="r" * (128 - len(GOOD) + 6))
    assert len(text) == 128
    assert await outcome(text, exact) is Reason.OK
    assert await outcome(address(pattern="r" * (129 - len(GOOD) + 6)), exact) is Reason.TOKEN_TOO_LONG
    assert await outcome("su~" + "x" * 16_000_000) is Reason.TOKEN_TOO_LONG


async def test_an_address_is_cut_off_with_its_user_and_revoked_by_its_name() -> None:
    cut = means_of(User("ann", "Ann", generation=9, cut_off_at=NOW * 1000), where=PLAYING)
    assert await outcome(address(generation=None), using=cut) is Reason.TOKEN_REVOKED
    revoked = means_of(ANN, where=PLAYING)
    revoked.revocations.cut.add(NAME)  # type: ignore[attr-defined]
    assert await outcome(GOOD, using=revoked) is Reason.TOKEN_REVOKED
    assert await outcome(address(issued_at=NOW - 59), using=revoked) is Reason.OK


@given(st.integers(3, len(GOOD) - 1), st.characters())
def test_no_character_of_a_signed_address_can_be_another(at: int, other: str) -> None:
    text = GOOD[:at] + other + GOOD[at + 1 :]
    reading = OURS.read(text, NOW, means_of().keys)
    assert reading is not None
    assert (reading.reason is Reason.OK) == (text == GOOD)


@given(st.integers(3, len(GOOD)), st.integers(0, 4), st.text("~!az09AZ-_= \n", max_size=4))
def test_nothing_can_be_put_into_a_signed_address_or_taken_out(at: int, out: int, put: str) -> None:
    text = GOOD[:at] + put + GOOD[at + out :]
    reading = OURS.read(text, NOW, means_of().keys)
    assert reading is not None
    assert (reading.reason is Reason.OK) == (text == GOOD)


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_whatever_is_signed_is_read_as_it_was_written(user: str, app_key: str, pattern: str) -> None:
    said = short.Signed(user, NOW, 0, pattern, app_key, None)
    try:
        text = short.signed(MASTER, said)
    except UnicodeEncodeError:  # half a letter
        return
    found = short.read_signed((MASTER,), text)
    assert found is not None
    assert found[0] == said
