"""Rules, and a gateway that judges by them, for the tests of judging."""

from authgate.model import Authority, Principal, Session
from authgate.policies import POLICIES
from authgate.ports import Answered
from authgate.rewrites import REWRITES
from authgate.rules import RuleOptions
from tests.fakes import FakeAliases, FakeAuthorities, FakeTargets
from tests.test_gateway import KEY, NOW, build, live, send

LIVE = {"session": "live"}


ADDRESS = {"session": "/203.0.113.7:52791/192.0.2.10:8443"}


def rule(name="rule", policy="deny", rewrites=(), **options):
    """A rule; its policy by name, or its options with ``type``."""
    options = {
        key: (value,) if isinstance(value, str) and key != "timezone" else value for key, value in options.items()
    }
    given = {"type": policy} if isinstance(policy, str) else policy
    kind = given["type"]
    made = POLICIES[kind](**{key: value for key, value in given.items() if key != "type"})
    changes = tuple(REWRITES[each["type"]](**{k: v for k, v in each.items() if k != "type"}) for each in rewrites)
    return RuleOptions(name=name, policy=made, rewrites=changes, **options)


def put(field, value):
    return {"type": "put", "field": field, "value": value}


async def verdict(gateway, method, sent):
    """The reason and the rule of the record, and the answer."""
    answer = await send(gateway, method, sent)
    record = (gateway.ledger.written or gateway.ledger.deferred)[-1].record
    assert (answer.status == 200) is record.allowed
    return record.reason, record.rule, answer


GRANTS = FakeAuthorities(ann=Authority(frozenset({"staff"}), ("publish:{user}-*", "!publish:*-secret")))


ALIASES = FakeAliases(cams={"lobby": "rtsp://cam.local/1"})


def gateway_of(rules, policies=None, apps=None):
    targets = FakeTargets(yes={"name": "changed", "sessionId": "no"}, no=None, open=Answered(True, {}, "away"))
    gateway = build(policies, apps, rules, targets, ALIASES, GRANTS)
    live(gateway)[KEY] = Session(KEY, "app", NOW * 1000, Principal("ann", "token"), origin="https://page.example")
    return gateway
