"""How long a token may be is for the verifier of its issuer to say, and for nobody else."""

import pytest

from authgate.model import Credentials, Principal, Reason, Secret
from authgate.verifiers import claims as read_claims
from authgate.verifiers.issued import IssuedVerifier
from authgate.verifiers.reading import Reading
from authgate.verifiers.token import TokenVerifier
from tests.verifiers.forge import GOOD, SECRET, segment, signed
from tests.verifiers.ours import MASTER, jwt, means_of

OTHER = "the secret of the other issuer, of forty bytes"
SHORT = TokenVerifier(Secret(SECRET), name="short", issuer="short", max_length=300)
LONG = TokenVerifier(Secret(OTHER), name="long", issuer="long", max_length=65_536)
OURS = IssuedVerifier((MASTER,), max_length=300)
HELD = {"short": SECRET, "long": OTHER}


def by(issuer: str, size: int, **claims: object) -> str:
    """A token of this issuer of so many characters, or one or two more."""
    said = GOOD | {"iss": issuer} | claims
    bare = len(signed(said | {"x": ""}, key=HELD.get(issuer, SECRET)))
    return signed(said | {"x": "x" * ((size - bare) * 3 // 4 + 2)}, key=HELD.get(issuer, SECRET))


async def outcome(text: str, *verifiers: TokenVerifier | IssuedVerifier) -> Reason | None:
    """What several verifiers come to, asked one after the other; None where the token is nobody's."""
    for verifier in verifiers:
        found = await verifier.verify(Credentials(token=Secret(text)), means_of())
        if found is not None:
            return Reason.OK if isinstance(found, Principal) else found
    return None


TOO_LONG, INVALID = Reason.TOKEN_TOO_LONG, Reason.TOKEN_INVALID
CASES = {
    "short enough for each": (by("short", 200), Reason.OK),
    "too long for its own": (by("short", 400), TOO_LONG),
    "longer than the other's may be": (by("long", 400), Reason.OK),
    "much longer than the other's may be": (by("long", 60_000), Reason.OK),
    "longer than the other's may be, and Bearer before it": (f"Bearer {by('long', 400)}", Reason.OK),
    "longer than the other's may be, and forged": (by("long", 400)[:-8] + "AAAAAAAA", INVALID),
    "longer than ours may be, and ours": (jwt(x="x" * 300), TOO_LONG),
    "longer than any may be": (by("long", 65_600), TOO_LONG),
    "long, of nobody here": (by("nobody", 400), None),
}


@pytest.mark.parametrize("verifiers", [(SHORT, OURS, LONG), (OURS, SHORT, LONG), (LONG, SHORT, OURS)])
@pytest.mark.parametrize(("text", "reason"), CASES.values(), ids=CASES)
async def test_each_issuer_has_a_length_of_its_own(
    text: str, reason: Reason | None, verifiers: tuple[TokenVerifier | IssuedVerifier, ...]
) -> None:
    assert await outcome(text, *verifiers) is reason


def unsigned(payload: object) -> str:
    return f"{segment({})}.{segment(payload)}.x"


UNTOLD = {
    "no token at all": "x" * 400,
    "a payload that is cut off": by("long", 400).replace(".", "", 1),
    "a payload that is a list": unsigned(["long"] * 80),
    "an issuer twice": unsigned('{"iss":"long","iss":"long","x":"' + "x" * 300 + '"}'),
    "an issuer that is a number": unsigned({"iss": 7, "x": "x" * 300}),
    "an issuer that nobody sees": unsigned({"iss": "\u200b", "x": "x" * 300}),
    "nested without end": unsigned("[" * 40_000),
}


@pytest.mark.parametrize("text", UNTOLD.values(), ids=UNTOLD)
async def test_where_nobody_can_tell_whose_it_is_the_first_says_that_it_is_too_long(text: str) -> None:
    assert await outcome(text, SHORT, LONG) is TOO_LONG
    assert await outcome(text, OURS, LONG) is TOO_LONG


async def test_a_long_token_that_names_no_issuer_is_of_none_of_ours() -> None:
    text = signed(GOOD | {"x": "x" * 400})
    assert await outcome(text, SHORT, LONG) is TOO_LONG, "whoever takes tokens without an issuer is alone"
    assert await outcome(text, OURS) is None


def test_of_what_no_verifier_takes_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def part(token: str, _at: int) -> dict[str, object]:
        sizes.append(len(token))
        return {"iss": "long"}

    monkeypatch.setattr(read_claims, "part", part)
    known = means_of().keys
    for size, reading in ((65_536, None), (65_537, Reading(TOO_LONG)), (16_000_000, Reading(TOO_LONG))):
        assert [SHORT.read("x" * size, 0), OURS.read("x" * size, 0, known)] == [reading, reading]
    assert sizes == [65_536, 65_536]
