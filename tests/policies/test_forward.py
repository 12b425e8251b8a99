"""A back end that is asked in place of a policy of ours."""

import pytest

from authgate.hooks.fields import FIXED
from authgate.hooks.methods import METHODS
from authgate.hooks.parse import parse
from authgate.model import Ask, Asks, Case, Delivery, Principal, Reason
from authgate.policies.forward import Forward

HOOK = parse(Delivery("publishStream", b'{"name":"cam","sessionId":"s"}'))
ANN = Principal("ann", "tokens")

REASONS = [reason for reason in Reason if reason is not Reason.OK]


def test_it_asks_whoever_the_client_is():
    for client in (ANN, *REASONS):
        assert Forward("legacy").judge(Case(HOOK, 0.0, client)) == Ask("legacy")
    assert Forward("legacy").asks is Asks.NOTHING


@pytest.mark.parametrize("reason", REASONS)
def test_it_asks_nobody_about_a_client_that_is_not_authenticated(reason):
    policy = Forward("legacy", overwrite=("name",), session=True)
    assert policy.judge(Case(HOOK, 0.0, reason)) is reason
    assert policy.judge(Case(HOOK, 0.0, ANN, own=reason)) == Ask("legacy", ("name",))
    assert policy.asks is Asks.CLIENT


def test_the_media_server_is_told_to_obey():
    policy = Forward("legacy", overwrite=("name", "recordName"))
    assert (policy.refuses, policy.overwrites, policy.type) == (True, ("name", "recordName"), "forward")
    assert Forward("legacy").overwrites == ()


FIELDS = "must be the name of a field of the hook itself, such as 'name'; not of one inside 'custom'"
FAULTS = {
    "no target": ({"target": ""}, "target: is empty; give the name of a section [targets.NAME]"),
    **{
        f"overwrite: {name}": (
            {"overwrite": (name,)},
            f"overwrite: '{name}' is how the media server knows what it is talking of; it cannot be rewritten",
        )
        for name in FIXED
    },
    "what is between the two": (
        {"overwrite": ("sdp",)},
        "overwrite: 'sdp' is between the client and the media server; it cannot be rewritten",
    ),
    "a field in a field": ({"overwrite": ("custom.token",)}, f"overwrite: 'custom.token' {FIELDS}"),
    "two in one": ({"overwrite": ("name,sessionId",)}, f"overwrite: 'name,sessionId' {FIELDS}"),
    "a blank in it": ({"overwrite": ("sessionId ",)}, f"overwrite: 'sessionId ' {FIELDS}"),
    "an empty one": ({"overwrite": ("",)}, f"overwrite: '' {FIELDS}"),
    "every field": ({"overwrite": ("*",)}, f"overwrite: '*' {FIELDS}"),
}


@pytest.mark.parametrize(("options", "fault"), FAULTS.values(), ids=FAULTS)
def test_faults(options, fault):
    with pytest.raises(ValueError, match=": ") as caught:
        Forward(**{"target": "legacy"} | options)
    assert str(caught.value) == fault


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_methods_in_whose_answers_nothing_is_taken_over(method):
    deaf = method.sessionless or method.kind == "event"
    fault = f"policy.overwrite: the media server takes nothing over from the answer to {method.name}"
    assert Forward("legacy", overwrite=("name",)).cannot_judge([METHODS["call"], method]) == (fault if deaf else "")
    assert Forward("legacy").cannot_judge([method]) == ""
