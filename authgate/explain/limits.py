"""What limits make of a hook that the rules allow, told without taking a place."""

from collections.abc import Sequence
from dataclasses import replace

from authgate.gateway import InForce
from authgate.hooks.news import news
from authgate.judge import Judged, Trace
from authgate.limits import EXCEEDED, PUBLISH
from authgate.model import Decision, Hook, Kind, Limit, MediaKey, Per, Session, SessionKey, StreamNews


async def within_limits(hook: Hook, judged: Judged, in_force: InForce, trace: Trace) -> Decision:
    """The decision, or the one that takes its place where there are as many of something as there may be.

    Raises:
        StoreError: the store is away or too slow.
    """
    decision = judged.decision
    if not decision.allowed:
        return decision
    limits, key = _limits(hook, judged, in_force)
    for limit in limits:
        most = limit.most if limit.stored is None else limit.stored
        if most is None:
            continue
        others = await in_force.judge.outside.sessions.held(limit, key)
        full = others >= most
        ends = full and limit.ends_oldest and most > 0
        then = f"; {_ended(others - most + 1)} ended for it" if ends else ""
        what = "published" if limit.per is Per.NAME else "open"
        trace.add("sessions", _of(limit), f"{others} {what}, {most} at most{then}")
        if full and not ends and decision.allowed:
            decision = Decision(EXCEEDED[limit.per], decision.rule)
    return decision


def _limits(hook: Hook, judged: Judged, in_force: InForce) -> tuple[Sequence[Limit], SessionKey | MediaKey]:
    """What a hook is held to, and the key of what it would add."""
    at = int(judged.case.now * 1000)
    if hook.method.kind is Kind.CONNECT:
        return in_force.limits.of_session(Session(hook.key, hook.app_key, at, judged.client)), hook.key
    if hook.method.name != PUBLISH:
        return (), hook.key
    media = hook.text("mediaSessionId") or "?"  # whoever only tries a hook leaves it out
    told = news(replace(hook, fields={**hook.fields, "mediaSessionId": media}), judged.decision, at)
    name = told.name if isinstance(told, StreamNews) else ""
    return in_force.limits.of_publisher(hook.app_key, name), MediaKey(*hook.key, media)


def _ended(count: int) -> str:
    return "the oldest is" if count == 1 else f"the oldest {count} are"


def _of(limit: Limit) -> str:
    """Whose places are counted."""
    named = {Per.USER: limit.value, Per.TOKEN: "its token", Per.NAME: limit.value}
    if limit.per is Per.APP:
        return f"application {limit.value}"
    return named[limit.per] if limit.app_key is None else f"{named[limit.per]} in application {limit.app_key}"
