import pytest

from authgate.hooks.parse import parse
from authgate.model import Ask, Asks, Case, Delivery, Principal, Reason
from authgate.policies import POLICIES
from authgate.policies.plain import Allow, Deny, NeedSession, NeedToken

HOOK = parse(Delivery("publishStream", b"{}"))
ANN = Principal("ann")
MISSING, EXPIRED, UNKNOWN = Reason.CREDENTIALS_MISSING, Reason.TOKEN_EXPIRED, Reason.SESSION_UNKNOWN

# The policy, who the client is, who it is by the hook's own credentials, and what is said.
CASES = {
    "allow: nobody": (Allow(), MISSING, MISSING, Reason.OK),
    "allow: a client": (Allow(), ANN, ANN, Reason.OK),
    "deny: a client": (Deny(), ANN, ANN, Reason.POLICY_DENIED),
    "deny: nobody": (Deny(reason="not today"), MISSING, MISSING, Reason.POLICY_DENIED),
    "session: by its session": (NeedSession(), ANN, MISSING, Reason.OK),
    "session: by its token": (NeedSession(), ANN, ANN, Reason.OK),
    "session: none": (NeedSession(), UNKNOWN, MISSING, UNKNOWN),
    "session: a bad token": (NeedSession(), EXPIRED, EXPIRED, EXPIRED),
    "token: by its session": (NeedToken(), ANN, MISSING, MISSING),
    "token: by its token": (NeedToken(), ANN, ANN, Reason.OK),
    "token: a bad token": (NeedToken(), EXPIRED, EXPIRED, EXPIRED),
    "token: nothing at all": (NeedToken(), UNKNOWN, MISSING, MISSING),
}


@pytest.mark.parametrize(("policy", "client", "own", "said"), CASES.values(), ids=CASES)
def test_judge(policy, client, own, said):
    assert policy.judge(Case(HOOK, 0, client, own, asked=Asks.CLIENT)) is said


@pytest.mark.parametrize("text", ["x" * 201, "two\nlines", "\x1b[31m", "\u202e"])
def test_words_that_a_client_must_not_be_told(text):
    with pytest.raises(ValueError, match="reason: must be at most 200 characters"):
        Deny(reason=text)


@pytest.mark.parametrize("kind", POLICIES)
def test_what_never_refuses_says_so(kind):
    """FAIL is asked for by this: a policy that rejects and says that it never does would be ignored."""
    policy = POLICIES[kind](*(["target"] if kind == "forward" else []))
    said = policy.judge(Case(HOOK, 0, UNKNOWN, UNKNOWN, asked=Asks.AUTHORITY))
    assert policy.refuses or said is Reason.OK
    assert policy.type == kind
    assert said is Reason.OK or isinstance(said, Ask | Reason)
