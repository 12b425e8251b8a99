"""What a proven token comes to: nothing is left behind by one that is turned away, and nothing is asked for nothing."""

import dataclasses

import pytest

from authgate.errors import StoreError
from authgate.model import NOWHERE, Credentials, Principal, Reason, Secret, User, Where
from authgate.ports import Means
from authgate.verifiers.token import TokenVerifier
from tests.verifiers.fakes import FakeUsers, means, shown
from tests.verifiers.forge import GOOD, SECRET, signed

CREATING = TokenVerifier(Secret(SECRET), users="create")
HERE, THERE = Where("live", holder="one"), Where("live", holder="two")


async def verified(text: str, using: Means, verifier: TokenVerifier = CREATING) -> Principal | Reason | None:
    return await verifier.verify(Credentials(token=Secret(text)), using)


def said(**claims: object) -> str:
    return signed(GOOD | claims)


async def test_who_only_asks_creates_nobody() -> None:
    for dry, there in ((True, False), (False, True)):
        users = FakeUsers({})
        client = await verified(said(), dataclasses.replace(means(), users=users, where=shown(NOWHERE), dry=dry))
        assert isinstance(client, Principal)
        assert client.stored_user is there
        assert ("ann" in users.rows) is there


NOBODY = {
    "expired": (said(exp=5), Reason.TOKEN_EXPIRED),
    "another secret": (signed(key="another secret of forty bytes, or of more"), Reason.TOKEN_INVALID),
    "another application": (said(appKey="other"), Reason.TOKEN_APP),
    "no name": (said(sub="\u200b"), Reason.TOKEN_INVALID),
    "a generation of a user who is gone": (said(authgate_gen=7), Reason.TOKEN_REVOKED),
    "revoked": (said(jti="gone"), Reason.TOKEN_REVOKED),
    "used up": (said(jti="used", once=True), Reason.TOKEN_USED),
}


@pytest.mark.parametrize(("text", "reason"), NOBODY.values(), ids=NOBODY)
async def test_a_token_that_is_refused_creates_nobody(text: str, reason: Reason) -> None:
    users = FakeUsers({})
    using = dataclasses.replace(means(), users=users, where=shown(HERE))
    using.revocations.cut.add("gone")  # type: ignore[attr-defined]
    using.one_time.holders["token", None, "used"] = THERE.holder  # type: ignore[attr-defined]
    assert await verified(text, using) is reason
    assert users.rows == {}


class Failing(FakeUsers):
    """Adds nobody until it is mended."""

    mended = False

    async def create(self, name: str) -> User | None:
        if not self.mended:
            raise StoreError("the store is away")
        return await super().create(name)


async def test_a_user_who_cannot_be_added_finds_the_one_time_token_again() -> None:
    users, text = Failing({}), said(jti="j", once=True)
    using = dataclasses.replace(means(), users=users, where=shown(HERE))
    with pytest.raises(StoreError):
        await verified(text, using)
    users.mended = True
    assert isinstance(await verified(text, using), Principal)
    assert await verified(text, dataclasses.replace(using, where=shown(THERE))) is Reason.TOKEN_USED


class Late(FakeUsers):
    """Finds nobody, and adds nobody where somebody else just has."""

    async def find(self, _name: str) -> User | None:
        return None


LATE = {
    "as good as new": (User("ann", "Ann"), Reason.OK),
    "disabled at once": (User("ann", "Ann", enabled=False), Reason.USER_DISABLED),
    "cut off at once": (User("ann", "Ann", cut_off_at=GOOD["exp"] * 1000), Reason.TOKEN_REVOKED),
}


@pytest.mark.parametrize(("user", "reason"), LATE.values(), ids=LATE)
async def test_a_user_whom_another_process_has_just_added_is_looked_at_no_less(user: User, reason: Reason) -> None:
    using = dataclasses.replace(means(), users=Late({"ann": user}), where=shown(HERE))
    outcome = await verified(said(iat=GOOD["exp"] - 60), using)
    assert (outcome if isinstance(outcome, Reason) else Reason.OK) is reason


# What the token says, and whether it has to be known where it is shown.
ASKS = {
    "nothing special": ({}, False),
    "an id and a time": ({"jti": "j", "iat": GOOD["exp"] - 60}, False),
    "not once": ({"once": False}, False),
    "bound to an application": ({"appKey": "live"}, True),
    "good for one time": ({"jti": "j", "once": True}, True),
}


@pytest.mark.parametrize(("claims", "asks"), ASKS.values(), ids=ASKS)
async def test_where_it_is_shown_is_found_out_only_for_a_token_that_asks(claims: dict[str, object], asks: bool) -> None:
    """Each hook would else pay for it."""
    asked = []

    def where() -> Where:
        asked.append(True)
        return HERE

    assert isinstance(await verified(said(**claims), dataclasses.replace(means(), where=where)), Principal)
    assert bool(asked) is asks
