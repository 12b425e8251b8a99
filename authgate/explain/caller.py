"""A recorded request -> which checks of section [caller] it passes."""

from dataclasses import replace

from authgate.hooks.caller import Caller, CallerOptions
from authgate.judge import Step
from authgate.model import Delivery

_CHECKS = {"hmac_keys": "signature", "basic": "login", "addresses": "address"}


def callers(options: CallerOptions, delivery: Delivery | None) -> tuple[Step, ...]:
    """Each check that is on, and what it says; None: a bare body, which tells nothing of who sent it."""
    on = [option for option in _CHECKS if getattr(options, option)]
    if not on:
        return (Step("caller", "", "trusted", "no check is on, so everybody is"),)
    return tuple(_checked(options, option, delivery) for option in on)


def _checked(options: CallerOptions, option: str, delivery: Delivery | None) -> Step:
    name = _CHECKS[option]
    if delivery is None:
        return Step("caller", name, "not asked", "a body alone does not tell who sent it")
    if option == "addresses" and delivery.peer is None:
        return Step("caller", name, "not asked", "a recorded request does not tell where it came from")
    others = {other: () for other in _CHECKS if other != option}
    trusted = Caller(replace(options, **others)).trusts(delivery)  # type: ignore[arg-type]  # every one is a tuple
    return Step("caller", name, "trusted" if trusted else "not trusted")


def refused(checks: tuple[Step, ...]) -> bool:
    """Whether any check tells that this is not our media server."""
    return any(each.outcome == "not trusted" for each in checks)
