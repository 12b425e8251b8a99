"""``authgate token``."""

import time
from typing import TYPE_CHECKING

import click

from authgate import admin
from authgate.admin import shown
from authgate.cli.common import (
    config_option,
    duration,
    iso,
    json_option,
    print_fields,
    print_json,
    print_table,
    read_input,
    run,
    settings,
)
from authgate.cli.explain import explain
from authgate.cli.issuing import bound_options, issued_verifier, issuer, note_idle_grants, wanted
from authgate.cli.judging import directory, means

if TYPE_CHECKING:
    from authgate.admin import TokenReport
    from authgate.config import Config
    from authgate.issuance import Token
    from authgate.store import Store

_MOST = 1 << 20  # bytes read from standard input; no verifier takes a token as long as that


@click.group()
def token() -> None:
    """Issue, explain and revoke tokens."""


@token.command("issue")
@click.argument("name")
@click.option("--ttl", type=duration, default="1h", show_default=True, metavar="TIME", help="As 90s, 15m, 1h or 7d.")
@click.option(
    "--grant", "grants", multiple=True, metavar="GRANT", help="As 'publish:room-*' or '!play:secret'; several."
)
@click.option("--no-grants", is_flag=True, help="An empty list of grants: it grants nothing.")
@click.option("--once", is_flag=True, help="Good for one session or one stream.")
@bound_options
@click.option("--verifier", metavar="NAME", help="For which verifier, where several take tokens.")
@json_option
@config_option
def issue_token(
    name: str,
    ttl: int,
    grants: tuple[str, ...],
    no_grants: bool,
    once: bool,
    apps: tuple[str, ...],
    addresses: tuple[str, ...],
    origins: tuple[str, ...],
    streams: tuple[str, ...],
    verifier: str | None,
    as_json: bool,
) -> None:
    """Print a token for the user NAME, and nothing else."""
    if grants and no_grants:
        raise click.UsageError("--grant and --no-grants exclude each other")
    config = settings()
    given = grants if grants or no_grants else None
    asked = wanted(name, ttl, given, apps, addresses, origins, streams, once)

    async def issue(store: "Store") -> "Token":
        async with issuer(config, store, verifier) as by:
            return await admin.issue_token(by, asked, time.time())

    issued = run(config, issue)
    if given is not None:
        note_idle_grants(config)
    if as_json:
        print_json(shown.token(issued))
    else:
        click.echo(issued.text.reveal())


@token.command("sign")
@click.argument("name")
@click.argument("stream")
@click.option("--ttl", type=duration, default="1h", show_default=True, metavar="TIME", help="As 90s, 15m, 1h or 7d.")
@click.option("--app", metavar="KEY", help="Good for this application (appKey) only.")
@config_option
def sign_address(name: str, stream: str, ttl: int, app: str | None) -> None:
    """Print a short token for the user NAME to play STREAM, for the address of an HLS or RTSP player."""
    config = settings()
    asked = wanted(name, ttl, None, (app,) if app else (), (), (), (stream,), once=False)
    verifier = issued_verifier(config)

    async def sign(store: "Store") -> str:
        async with directory(config, store) as known:
            return await admin.sign_address(store, verifier, asked, time.time(), known.users)

    click.echo(run(config, sign))


@token.command()
@click.argument("text", metavar="TOKEN|-")
@json_option
@config_option
def check(text: str, as_json: bool) -> None:
    """Say what a client comes to that offers this token; with '-', read it from standard input.

    What the token is bound to (ip, origin, appKey, stream) is shown, and not held against anything.
    """
    offered = (read_input(_MOST) if text == "-" else text).strip()
    config = settings()

    async def look(store: "Store") -> "TokenReport":
        async with means(config, store) as asked:
            return await admin.check_token(asked, config.verifiers, offered)

    report = run(config, look)
    why = explain(report, offered, config.verifiers)
    fields = {**shown.report(report), "explanation": why}
    if as_json:
        print_json(fields)
    else:
        bound = [f"{claim} {', '.join(texts)}" for claim, texts in report.bound.items()]
        print_fields({**fields, "grants": ", ".join(report.grants or ()), "bound": "; ".join(bound)})
    if not report.valid:
        raise SystemExit(1)
    if report.grants is not None and report.shape == "JWT":  # the others are bound to what they grant
        note_idle_grants(config)


@token.command()
@click.argument("jti", required=False)
@click.option("--user", metavar="NAME", help="All that was issued to this user until now, and the user's sessions.")
@click.option("--issuer", "by", metavar="ISS", help="All that this issuer has issued until now.")
@click.option("--key", metavar="KID", help="All that this key has signed until now.")
@click.option("--ever", is_flag=True, help="With --issuer or --key: also what comes yet.")
@click.option("--end-sessions", is_flag=True, help="With --user: end the user's live sessions too.")
@config_option
def revoke(jti: str | None, user: str | None, by: str | None, key: str | None, ever: bool, end_sessions: bool) -> None:
    """Refuse a token by its JTI, or all of a user, an issuer or a key: within a second, in every worker and node.

    The sessions that such tokens opened are refused with them.
    """
    given = [value for value in (jti, user, by, key) if value is not None]
    if len(given) != 1:
        raise click.UsageError("say what to revoke: one of JTI, --user, --issuer and --key")
    if ever and by is None and key is None:
        raise click.UsageError("--ever goes with --issuer or --key")
    if end_sessions and user is None:
        raise click.UsageError("--end-sessions goes with --user")
    click.echo(_revoke(settings(), jti, user, by, key, ever=ever, end_sessions=end_sessions))


def _revoke(
    config: "Config",
    jti: str | None,
    user: str | None,
    by: str | None,
    key: str | None,
    *,
    ever: bool,
    end_sessions: bool,
) -> str:
    if jti is not None:
        run(config, lambda store: admin.revoke_token(store, jti))
        return f"revoked token {jti}"
    if user is not None:
        there = run(config, lambda store: admin.revoke_user(store, user))
        meant = admin.Meant(user=user)
        ended = 0
        if end_sessions:
            ended = run(config, lambda store: admin.end_sessions(store, meant, admin.reached(config.wcs))).count
        known = "" if there else " (the store has no such user)"
        return f"revoked all that was issued to {user}{known}" + (f", and ended {ended} sessions" if ended else "")
    kind, value = ("issuer", by or "") if by is not None else ("key", key or "")
    run(config, lambda store: admin.revoke_issued(store, kind, value, ever=ever))
    return f"revoked what {kind} {value} has {'issued' if kind == 'issuer' else 'signed'}"


@token.command("revocations")
@json_option
@config_option
def list_revocations(as_json: bool) -> None:
    """List what was revoked."""
    every = run(settings(), admin.revocations)
    if as_json:
        print_json([shown.revocation(each) for each in every])
    else:
        rows = [(each.kind, each.value, iso(each.before) or "ever", iso(each.made_at)) for each in every]
        print_table(("kind", "value", "issued until", "revoked"), rows)
