"""``authgate hash``."""

from typing import TYPE_CHECKING, Any

import click

from authgate.cli.common import config_option, json_option, print_fields, print_json, print_table, settings

if TYPE_CHECKING:
    from authgate.passwords.calibrate import Plan, Step


@click.group()
def hash() -> None:
    """See what password hashes cost on this machine."""


@hash.command()
@click.option(
    "--logins", type=click.FloatRange(0), default=0, metavar="N", help="Logins a second that there must be room for."
)
@click.option(
    "--deadline", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Instead of [server] deadline."
)
@json_option
@config_option
@click.pass_context
def calibrate(ctx: click.Context, logins: float, deadline: float | None, as_json: bool) -> None:
    """Measure argon2id here, and say what to put into [hashing]; nothing is changed.

    Takes some seconds, on a machine that has nothing else to do. Chosen is the strongest cost with which the last login
    that may wait is answered within the deadline. Exit status: 1 where not even the least is.
    """
    from authgate.passwords.calibrate import bounds, measured
    from authgate.passwords.calibrate import calibrate as plan_for
    from authgate.passwords.machine import advice, this_machine

    config = settings()
    deadline = config.server.deadline if deadline is None else deadline
    limits = bounds(config.hashing, deadline, config.server.workers, this_machine())
    plan = plan_for(limits, logins, measured)
    if as_json:
        print_json(_fields(plan))
    else:
        _print(plan)
    if hint := advice():
        click.echo(f"note: {hint}, also that of this command; see docs/passwords.md", err=True)
    ctx.exit(0 if plan.chosen else 1)


def _print(plan: "Plan") -> None:
    print_fields(
        {
            "hashes at once": plan.bounds.at_once,
            "seconds for one": f"{plan.bounds.seconds:.3f} at most",
            "memory for one": f"{plan.bounds.memory} KiB at most",
        }
    )
    click.echo()
    rows = [(each.memory, each.time, f"{each.seconds:.3f}", f"{each.per_second:.1f}", each.fits) for each in plan.steps]
    print_table(("memory", "time", "seconds", "logins/s", "fits"), rows)
    click.echo()
    if plan.chosen is None:
        click.echo("Not even the least fits: give it more cores, a longer server.deadline or a shorter hashing.queue.")
        return
    click.echo(f"[hashing]\nmemory = {plan.chosen.memory}\ntime = {plan.chosen.time}\nparallelism = 1\n")
    click.echo(f"allows {plan.chosen.per_second:.0f} logins a second, {plan.chosen.seconds * 1000:.0f} ms each")


def _fields(plan: "Plan") -> dict[str, Any]:
    return {
        "hashes_at_once": plan.bounds.at_once,
        "most_seconds": round(plan.bounds.seconds, 4),
        "most_memory": plan.bounds.memory,
        "measured": [_step(each) | {"fits": each.fits} for each in plan.steps],
        "hashing": None if plan.chosen is None else _step(plan.chosen) | {"parallelism": 1},
    }


def _step(each: "Step") -> dict[str, Any]:
    return {
        "memory": each.memory,
        "time": each.time,
        "seconds": round(each.seconds, 4),
        "logins_per_second": round(each.per_second, 1),
    }
