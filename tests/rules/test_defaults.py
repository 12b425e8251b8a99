import pytest
from hypothesis import given
from hypothesis import strategies as st

from authgate.hooks.methods import METHODS, method
from authgate.model import Kind
from authgate.rules import AppPolicies, PolicyOptions, Rules

RULES = Rules(
    (),
    PolicyOptions(methods={"publishStream": "deny"}),
    {
        "cdnApp": AppPolicies(connect="allow_anonymous", call="allow"),
        "callApp": AppPolicies(methods={"publishStream": "session", "StreamKeepAliveEvent": "session"}),
    },
)
CASES = {
    "default of calls": ("any", "playStream", "policies.call", "session"),
    "default of incoming": ("any", "OnCallEvent", "policies.incoming", "session"),
    "events are allowed": ("any", "StreamStatusEvent", "policies.event", "allow"),
    "keep-alive is an event": ("any", "StreamKeepAliveEvent", "policies.event", "allow"),
    "a single method": ("any", "publishStream", "policies.methods.publishStream", "deny"),
    "an unknown call": ("any", "teleport", "policies.call", "session"),
    "an unknown event": ("any", "MoodEvent", "policies.event", "allow"),
    "an application's default": ("cdnApp", "publishStream", "apps.cdnApp.policies.call", "allow"),
    "an application's unknown call": ("cdnApp", "teleport", "apps.cdnApp.policies.call", "allow"),
    "an application without this default": ("cdnApp", "OnCallEvent", "policies.incoming", "session"),
    "an application's method": ("callApp", "publishStream", "apps.callApp.policies.methods.publishStream", "session"),
    "an application's keep-alive": (
        "callApp",
        "StreamKeepAliveEvent",
        "apps.callApp.policies.methods.StreamKeepAliveEvent",
        "session",
    ),
    "letter case of the application counts": ("CDNAPP", "playStream", "policies.call", "session"),
    "no application": ("", "playStream", "policies.call", "session"),
    "connect": ("any", "connect", "policies.connect", "session"),
    "connect of anybody": ("cdnApp", "connect", "apps.cdnApp.policies.connect", "allow"),
    "connect of an application without its own": ("callApp", "connect", "policies.connect", "session"),
}


@pytest.mark.parametrize(("app_key", "name", "rule", "policy"), CASES.values(), ids=CASES)
def test_default_policy(app_key, name, rule, policy):
    [default] = RULES.of(app_key, method(name))
    assert (default.name, default.policy.type) == (rule, policy)
    assert default == RULES.default(app_key, method(name))
    assert default.is_default


def test_a_grant_that_has_no_name_to_judge_asks_for_a_session():
    rules = Rules((), PolicyOptions(call="grant", methods={"hangup": "grant"}), {})
    kinds = {name: rules.default("", method(name)).policy.type for name in ("playStream", "sendDtmf", "hangup")}
    assert kinds == {"playStream": "grant", "sendDtmf": "session", "hangup": "session"}


def test_fallback():
    rules = Rules((), PolicyOptions(fallback="legacy"), {"own": AppPolicies(fallback="other"), "app": AppPolicies()})
    assert {app: rules.fallback(app) for app in ("own", "app", "any")} == {
        "own": "other",
        "app": "legacy",
        "any": "legacy",
    }


REFUSED = {
    "a misspelt method": ({"publishStraem": "deny"}, "did you mean 'publishStream'"),
    "connect": ({"connect": "allow"}, "option of its own"),
    "an event that has happened": ({"ConnectionStatusEvent": "deny"}, "is an event"),
    "an unknown event": ({"MoodEvent": "deny"}, "no such method"),
}


@pytest.mark.parametrize(("methods", "says"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("options", [PolicyOptions, AppPolicies])
def test_methods_that_have_no_policy(options, methods, says):
    with pytest.raises(ValueError, match=says):
        options(methods=methods)


PLAIN = st.sampled_from(["allow", "deny", "session", "token", "grant"])
METHOD = st.sampled_from(sorted(n for n, m in METHODS.items() if m.refusable and m.kind is not Kind.CONNECT))
METHODS_OF = st.dictionaries(METHOD, PLAIN, max_size=4)
APPS = st.builds(AppPolicies, call=PLAIN | st.none(), incoming=PLAIN | st.none(), methods=METHODS_OF)
OPTIONS = st.builds(PolicyOptions, call=PLAIN, incoming=PLAIN, methods=METHODS_OF)


@given(OPTIONS, APPS)
def test_only_what_the_media_server_lets_us_refuse_is_ever_refused(options, app):
    rules = Rules((), options, {"app": app})
    for each in METHODS.values():
        if each.kind is not Kind.CONNECT and not each.refusable:
            assert not rules.ever_refuses(each)
