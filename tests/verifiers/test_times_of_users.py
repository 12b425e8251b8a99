"""A user whose time is over, or has not come, is let in by no kind of token."""

import dataclasses

import pytest

from authgate.model import Credentials, Principal, Reason, Secret, User
from authgate.verifiers import AnyVerifier
from authgate.verifiers.issued import IssuedVerifier
from authgate.verifiers.token import TokenVerifier
from tests.fakes import FakeOneTime
from tests.verifiers.forge import NOW, SECRET, signed
from tests.verifiers.ours import ANN, MASTER, PLAYING, STREAM_KEY, address, jwt, means_of, stream_key

TIMES: dict[str, tuple[User, Reason]] = {
    "over to the second": (dataclasses.replace(ANN, expires_at=NOW), Reason.USER_EXPIRED),
    "over long ago": (dataclasses.replace(ANN, expires_at=0), Reason.USER_EXPIRED),
    "over in a second": (dataclasses.replace(ANN, expires_at=NOW + 1), Reason.OK),
    "begins in a second": (dataclasses.replace(ANN, not_before=NOW + 1), Reason.USER_NOT_YET_VALID),
    "begins now": (dataclasses.replace(ANN, not_before=NOW), Reason.OK),
    "over before it begins": (dataclasses.replace(ANN, not_before=NOW + 9, expires_at=NOW - 9), Reason.USER_EXPIRED),
    "disabled, and over": (dataclasses.replace(ANN, enabled=False, expires_at=NOW), Reason.USER_DISABLED),
    "disabled, in its time": (dataclasses.replace(ANN, enabled=False, expires_at=NOW + 9), Reason.USER_DISABLED),
}
KINDS: dict[str, tuple[AnyVerifier, str]] = {
    "a token": (TokenVerifier(Secret(SECRET)), signed()),
    "a token whose user need not be there": (TokenVerifier(Secret(SECRET), users="optional"), signed()),
    "a token that adds its user": (TokenVerifier(Secret(SECRET), users="create"), signed()),
    "a token of our own": (IssuedVerifier((MASTER,)), jwt()),
    "a token of our own, for once": (IssuedVerifier((MASTER,)), jwt(once=True)),
    "a stream key": (IssuedVerifier((MASTER,)), STREAM_KEY),
    "a signed address": (IssuedVerifier((MASTER,)), address()),
}


@pytest.mark.parametrize(("user", "reason"), TIMES.values(), ids=TIMES)
@pytest.mark.parametrize(("verifier", "text"), KINDS.values(), ids=KINDS)
async def test_a_token_is_good_in_the_time_of_its_user(
    verifier: AnyVerifier, text: str, user: User, reason: Reason
) -> None:
    using = means_of(user, rows=(stream_key(action="play"),), where=PLAYING)
    found = await verifier.verify(Credentials(token=Secret(text)), using)
    assert (Reason.OK if isinstance(found, Principal) else found) is reason
    assert isinstance(using.one_time, FakeOneTime)
    assert reason is Reason.OK or not using.one_time.holders, "one that is refused is not used up"


@pytest.mark.parametrize("limit", [None, 0, 3])
@pytest.mark.parametrize(("verifier", "text"), KINDS.values(), ids=KINDS)
async def test_a_client_brings_the_limit_of_its_user(verifier: AnyVerifier, text: str, limit: int | None) -> None:
    user = dataclasses.replace(ANN, max_sessions=limit)
    using = means_of(user, rows=(stream_key(action="play"),), where=PLAYING)
    found = await verifier.verify(Credentials(token=Secret(text)), using)
    assert isinstance(found, Principal)
    assert found.max_sessions == limit
