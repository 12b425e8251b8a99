"""``authgate token``: what is issued is accepted, and what is wrong with others is said in plain words."""

import json
import time

import jwt
import pytest

from tests.cli.conftest import KEY

NOW = int(time.time())
GOOD = {"sub": "ann", "exp": NOW + 3600, "iat": NOW, "jti": "j1"}


def signed(claims, key=KEY, **how):
    return jwt.encode(claims, key, **how)


@pytest.fixture(autouse=True)
def _ann(authgate):
    authgate("user", "add", "ann", "--no-password")


def report(authgate, token, status=1, **how):
    return json.loads(authgate("token", "check", token, "--json", status=status, **how).stdout)


def test_issue_and_check(authgate):
    result = authgate("token", "issue", "Ann", "--ttl", "15m")
    token = result.stdout.removesuffix("\n")
    assert token.count(".") == 2
    assert result.stderr == ""
    claims = jwt.decode(token, KEY, algorithms=["HS256"])
    assert claims["exp"] - claims["iat"] == 900
    found = report(authgate, token, status=0)
    assert found.pop("expires").endswith("Z")
    assert found.pop("issued").endswith("Z")
    assert found == {
        "valid": True,
        "reason": "ok",
        "verifier": "token",
        "jti": claims["jti"],
        "subject": "ann",
        "grants": None,
        "shape": "JWT",
        "key": None,
        "once": False,
        "bound": {},
        "generation": claims["authgate_gen"],
        "explanation": "the client is let in",
    }
    assert "the client is let in" in authgate("token", "check", token).stdout


@pytest.mark.parametrize(
    ("ttl", "seconds"), [("90", 90), ("90s", 90), ("2M", 120), ("1w", 604800), ("1h", 3600), ("7d", 604800)]
)
def test_ttl(authgate, ttl, seconds):
    claims = jwt.decode(
        authgate("token", "issue", "ann", "--ttl", ttl).stdout.strip(), options={"verify_signature": False}
    )
    assert claims["exp"] - claims["iat"] == seconds


@pytest.mark.parametrize("ttl", ["", "h", "1y", "-1h", "1.5h", "1h30m", "٣h", "9999999999s"])
def test_ttl_that_is_none(authgate, ttl):
    assert (
        "is no time such as 90, 90s, 15m, 1h or 7d"
        in authgate("token", "issue", "ann", f"--ttl={ttl}", status=2).output
    )


@pytest.mark.parametrize("ttl", ["0s", "999999999d"], ids=["of nothing", "beyond the year 9999"])
def test_ttl_that_no_verifier_would_take(authgate, ttl):
    result = authgate("token", "issue", "ann", "--ttl", ttl, status=1)
    assert result.stdout == ""
    assert result.stderr == "error: a token lives at least 1 second and ends before the year 10000\n"


def test_issue_for_nobody(authgate):
    result = authgate("token", "issue", "bob", status=1)
    assert result.stdout == ""
    assert result.stderr == "error: there is no user 'bob', and verifier 'token' lets in users of the store only\n"


def test_issue_for_the_disabled(authgate):
    authgate("user", "disable", "ann")
    result = authgate("token", "issue", "ann", status=1)
    assert (result.stdout, result.stderr) == ("", "error: user 'ann' is disabled; run: authgate user enable ann\n")


def test_from_standard_input(authgate):
    assert report(authgate, "-", status=0, stdin=f"  {signed(GOOD)}\n")["valid"]
    assert report(authgate, "-", stdin=b"\xff\n")["reason"] == "token_invalid"


def test_bearer_is_taken_off(authgate):
    assert report(authgate, f"Bearer {signed(GOOD)}", status=0)["subject"] == "ann"


MISTAKES = {
    "empty": ("", "token_invalid", "it is empty"),
    "in quotes": (f'"{signed(GOOD)}"', "token_invalid", "it stands in quotes; take them away"),
    "broken across lines": (
        signed(GOOD)[:30] + "\n" + signed(GOOD)[30:],
        "token_invalid",
        "there is white space in it",
    ),
    "password": ("secret", "token_invalid", "it has 1 parts between dots; a token has three"),
    "cut off": (signed(GOOD)[:30] + ".e30.x", "token_invalid", "its header or its payload is not JSON in base64url"),
    "no base64": ("a.b.c", "token_invalid", "its header or its payload is not JSON in base64url"),
    "header that is a list": ("W10.e30.x", "token_invalid", "its header or its payload is not JSON in base64url"),
    "other algorithm": (
        signed(GOOD, KEY * 2, algorithm="HS512"),
        "token_invalid",
        "it is signed with 'HS512', and verifier 'token' takes HS256; see verifiers.algorithms",
    ),
    "unsigned": (signed(GOOD, None, algorithm="none"), "token_invalid", "it is signed with 'none'"),
    "other key": (
        signed(GOOD, "o" * 32),
        "token_invalid",
        "it was signed with another key than that of verifier 'token'",
    ),
    "no exp": (signed({"sub": "ann"}), "token_invalid", "it lacks the claim 'exp'"),
    "no user": (signed({"exp": NOW + 60}), "token_invalid", "it lacks the claim 'sub'"),
    "milliseconds": (
        signed(GOOD | {"exp": NOW * 1000}),
        "token_invalid",
        "its claim 'exp' seems to count milliseconds",
    ),
    "time as text": (
        signed(GOOD | {"nbf": "2026-01-01"}),
        "token_invalid",
        "its claim 'nbf' is text; it must be a number of seconds since 1970",
    ),
    "too long": ("x" * 9000, "token_too_long", "it has 9000 characters; max_length of verifier 'token' allows 8192"),
    "expired": (signed(GOOD | {"exp": NOW - 3600}), "token_expired", "its time (exp) is over; issue a new one"),
    "clock ahead": (signed(GOOD | {"iat": NOW + 3600}), "token_not_yet_valid", "compare the clock of its issuer"),
    "audience": (
        signed(GOOD | {"aud": "x"}),
        "token_audience",
        "it is for 'x' (aud), and the verifier wants none named",
    ),
    "unknown user": (
        signed(GOOD | {"sub": "bob"}),
        "user_unknown",
        "it is in order, but its user is not in the store; run: authgate user add bob --no-password",
    ),
}


@pytest.mark.parametrize(("token", "reason", "said"), MISTAKES.values(), ids=MISTAKES)
def test_mistake(authgate, token, reason, said):
    found = report(authgate, token)
    assert (found["valid"], found["reason"]) == (False, reason)
    assert said in found["explanation"]
    assert said in authgate("token", "check", token, status=1).stdout


def test_disabled_user(authgate):
    authgate("user", "disable", "ann")
    found = report(authgate, signed(GOOD))
    assert (found["reason"], found["subject"], found["jti"]) == ("user_disabled", "ann", "j1")
    assert "run: authgate user enable ann" in found["explanation"]


def issued(authgate):
    return authgate("token", "issue", "ann").stdout.strip()


def deleted(run):
    run("user", "delete", "ann")
    run("user", "add", "ann", "--no-password")


CUT_OFF = {
    "another password": (issued, lambda run: run("user", "password", "ann", "--password-stdin", stdin="other horse\n")),
    "other grants": (issued, lambda run: run("user", "set", "ann", "--grant", "play:*")),
    "disabled, and let in again": (issued, lambda run: (run("user", "disable", "ann"), run("user", "enable", "ann"))),
    "deleted, and added again": (issued, deleted),
    "all of the user's": (issued, lambda run: run("token", "revoke", "--user", "ann")),
    "of others, all of the user's": (lambda _: signed(GOOD), lambda run: run("token", "revoke", "--user", "ann")),
}


@pytest.mark.parametrize(("make", "cut"), CUT_OFF.values(), ids=CUT_OFF)
def test_a_user_who_was_cut_off_is_told_from_what_was_revoked(authgate, make, cut):
    token = make(authgate)
    cut(authgate)
    found = report(authgate, token)
    assert found["reason"] == "token_revoked"
    assert found["explanation"].startswith("its user was cut off after it was issued: by another password")
    assert "authgate user show ann tells its generation now" in found["explanation"]
    listed = [each["value"] for each in json.loads(authgate("token", "revocations", "--json").stdout)]
    assert listed == (["ann"] if cut is deleted else [])


REVOKED = {
    "itself": ("j1",),
    "its issuer": ("--issuer", "us"),
    "its user, who is not in the store": ("--user", "zoe"),
}


@pytest.mark.parametrize("words", REVOKED.values(), ids=REVOKED)
def test_what_was_revoked_is_told_to_be_listed(authgate, words):
    more = {"AUTHGATE_VERIFIERS__0__ISSUER": "us", "AUTHGATE_VERIFIERS__0__USERS": "optional"}
    user = "zoe" if "zoe" in words else "ann"
    authgate("token", "revoke", *words)
    found = report(authgate, signed(GOOD | {"iss": "us", "sub": user}), environ=more)
    assert found["reason"] == "token_revoked"
    assert "authgate token revocations lists which" in found["explanation"]
    assert len(json.loads(authgate("token", "revocations", "--json").stdout)) == 1


ISSUER = {"AUTHGATE_VERIFIERS__0__ISSUER": "us"}


def test_issuer(authgate):
    found = report(authgate, signed(GOOD), environ=ISSUER)
    assert (found["reason"], found["verifier"]) == ("token_issuer", "token")
    assert "it does not say who made it (iss), and the verifier wants 'us'" in found["explanation"]
    found = report(authgate, signed(GOOD | {"iss": "them"}), environ=ISSUER)
    assert (found["reason"], found["verifier"]) == ("credentials_unrecognized", None)
    assert "it was made by 'them' (iss), and the verifiers want 'us'" in found["explanation"]


TYPED = {
    "another": (signed(GOOD), "its header has typ 'JWT', and verifier 'token' wants 'at+jwt'; see verifiers.typ"),
    "none": (signed(GOOD, headers={"typ": None}), "its header has no typ, and verifier 'token' wants 'at+jwt'"),
}


@pytest.mark.parametrize(("token", "said"), TYPED.values(), ids=TYPED)
def test_wanted_type(authgate, token, said):
    wanted = {"AUTHGATE_VERIFIERS__0__TYP": "at+jwt"}
    found = report(authgate, token, environ=wanted)
    assert (found["reason"], found["subject"]) == ("token_type", "ann")
    assert said in found["explanation"]
    issued = authgate("token", "issue", "ann", environ=wanted).stdout.strip()
    assert report(authgate, issued, status=0, environ=wanted)["valid"]


def test_type_that_is_no_text(authgate):
    found = report(authgate, signed(GOOD, headers={"typ": ["JWT"]}))
    assert (found["reason"], found["explanation"]) == ("token_invalid", "its header has a typ that is no text")


def test_wanted_audience(authgate):
    found = report(authgate, signed(GOOD), environ={"AUTHGATE_VERIFIERS__0__AUDIENCE": '["a", "b"]'})
    assert "it is for 'nobody in particular' (aud), and the verifier wants a, b" in found["explanation"]


def test_no_verifier_of_tokens(authgate, path):
    path.write_text(path.read_text().replace(f'[[verifiers]]\ntype = "token"\nkey = "{KEY}"\n', ""))
    assert "no verifier of the configuration takes tokens" in report(authgate, signed(GOOD))["explanation"]
    assert "no verifier of the configuration takes tokens" in authgate("token", "issue", "ann", status=1).stderr


def test_terminal_injection(authgate):
    """A token's claims are whatever its maker wrote."""
    found = authgate("token", "check", signed(GOOD | {"aud": "\x1b]0;owned\x07"}), status=1)
    assert "\x1b" not in found.output
    forged = signed(GOOD, headers={"alg": "HS256", "kid": "\x1b[2J"}).split(".")
    assert "\x1b" not in authgate("token", "check", ".".join([*forged[:2], "x"]), status=1).output


def test_secrets_are_not_shown(authgate):
    for token in (signed(GOOD, "o" * 32), "x", signed(GOOD)):
        assert KEY not in authgate("token", "check", token, status=0 if token == signed(GOOD) else 1).output


IDLE = "no rule or policy asks for grants, so they narrow nothing"


@pytest.mark.parametrize("words", [("--grant", "publish:room-*"), ("--no-grants",)])
def test_grants_that_nothing_asks_for_are_told(authgate, words):
    issued = authgate("token", "issue", "ann", *words)
    assert IDLE in issued.stderr
    assert issued.stdout.count("\n") == 1
    checked = authgate("token", "check", issued.stdout.strip(), "--json")
    assert IDLE in checked.stderr
    assert json.loads(checked.stdout)["valid"]


def test_of_grants_that_are_asked_for_nothing_is_told(authgate, path):
    path.write_text(path.read_text() + '[[rules]]\nname = "as the grants say"\npolicy = { type = "grant" }\n')
    issued = authgate("token", "issue", "ann", "--grant", "publish:room-*")
    assert issued.stderr == ""
    assert authgate("token", "check", issued.stdout.strip()).stderr == ""


def test_what_a_token_is_bound_to_is_a_condition(authgate):
    token = authgate("token", "issue", "ann", "--ip", "192.0.2.0/24", "--app", "live").stdout.strip()
    told = "the client is let in, where it keeps to what the token is bound to: ip, appKey"
    assert report(authgate, token, status=0)["explanation"] == told


@pytest.mark.parametrize(
    ("kid", "told"),
    [
        ("2025", "it names key '2025' (kid), whose time (until) is over in verifier 'shop'; issue a new one"),
        ("2026", "it was signed with another key than that of verifier 'shop'"),
        ("2024", "it was signed with another key than that of verifier 'shop'"),
    ],
)
def test_a_key_whose_time_is_over_is_named(authgate, path, kid, told):
    keys = f"""keys = [
    {{ id = "2026", key = "{KEY}2026" }},
    {{ id = "2025", key = "{KEY}2025", until = 2025-12-31T00:00:00Z }},
]
"""
    path.write_text(path.read_text().replace(f'key = "{KEY}"', f'name = "shop"\n{keys}'))
    token = signed(GOOD, f"{KEY}2025", headers={"kid": kid})
    assert report(authgate, token)["explanation"].startswith(told)
