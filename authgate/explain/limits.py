"""What limits make of a hook that the rules allow, told without taking a place."""

from authgate.gateway import InForce
from authgate.judge import Judged, Trace
from authgate.limits import EXCEEDED
from authgate.model import Decision, Hook, Kind, Limit, Per, Session


async def within_limits(hook: Hook, judged: Judged, in_force: InForce, trace: Trace) -> Decision:
    """The decision, or the one that takes its place where there are as many of something as there may be.

    Raises:
        StoreError: the store is away or too slow.
    """
    decision = judged.decision
    if hook.method.kind is not Kind.CONNECT or not decision.allowed:
        return decision
    session = Session(hook.key, hook.app_key, int(judged.case.now * 1000), judged.client)
    for limit in in_force.limits.of_session(session):
        most = limit.most if limit.stored is None else limit.stored
        if most is None:
            continue
        others = await in_force.judge.outside.sessions.held(limit, hook.key)
        full = others >= most
        ends = full and limit.ends_oldest and most > 0
        then = f"; {_ended(others - most + 1)} ended for it" if ends else ""
        trace.add("sessions", _of(limit), f"{others} open, {most} at most{then}")
        if full and not ends and decision.allowed:
            decision = Decision(EXCEEDED[limit.per], decision.rule)
    return decision


def _ended(count: int) -> str:
    return "the oldest is" if count == 1 else f"the oldest {count} are"


def _of(limit: Limit) -> str:
    """Whose places are counted."""
    what = {Per.USER: limit.value, Per.TOKEN: "its token", Per.APP: f"application {limit.value}"}[limit.per]
    return what if limit.app_key is None or limit.per is Per.APP else f"{what} in application {limit.app_key}"
