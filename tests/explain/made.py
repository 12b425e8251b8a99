"""Hooks explained as the command line does it."""

from dataclasses import replace

from authgate.errors import BadHook
from authgate.explain import dry, explain, explain_unread
from authgate.hooks import reply
from authgate.hooks.methods import method
from authgate.hooks.parse import parse
from authgate.model import Delivery
from authgate.verifiers.credentials import CredentialPaths
from authgate.wiring import wire
from tests.judge import made as judging
from tests.test_gateway import NOW

LIVE = {"session": "live"}


PATHS = CredentialPaths()


def told_as_generated(gateway):
    """The gateway, with what is generated for its rules in place of a stand-in."""
    made = wire(gateway.in_force.judge.setup.rules, "", PATHS)
    gateway.in_force = replace(gateway.in_force, any_app=replace(made, digest="d1"))
    return gateway


def judged_by(rules, *policies):
    return told_as_generated(judging.gateway_of(rules, *policies))


def dried(gateway, *, ask=False):
    judge = gateway.in_force.judge
    return replace(gateway.in_force, judge=replace(judge, outside=dry(judge.outside, send=ask)))


async def explained(gateway, name, sent, *, ask=False, rules=(), **how):
    """As the command line does it."""
    in_force = dried(gateway, ask=ask)
    try:
        hook = parse(Delivery(name, sent))
    except BadHook as fault:
        return explain_unread(method(name), str(fault), reply.MALFORMED, in_force)
    return await explain(hook, NOW, in_force, rules=rules, **how)
