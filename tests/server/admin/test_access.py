"""Who may administer over HTTP, and what they are told who may not."""

from pathlib import Path

import httpx
import pytest

from authgate.api_keys import make, prefix_of
from authgate.server.bearer import GUESSES
from tests import here

from .conftest import Administered, prepared

KEY = "/api/v1/key"


def ask(served: Administered, *lines: str, path: str = KEY, verb: str = "GET") -> httpx.Response:
    headers = [("authorization", line) for line in lines]
    return httpx.request(verb, f"{served.url}{path}", headers=headers, trust_env=False)


def test_a_key_is_told_what_it_may_do(served: Administered):
    key = served.key("users:read", "bans:write", more=("--expires", "1h"))
    found = ask(served, f"Bearer {key}")
    assert found.status_code == 200
    assert found.headers["cache-control"] == "no-store"
    assert found.headers["content-type"] == "application/json"
    told = found.json()
    assert (told["prefix"], told["name"]) == (prefix_of(key), "ops")
    assert told["scopes"] == ["users:read", "bans:write"]
    assert told["expires_at"].endswith("Z")


STRANGERS = {
    "nothing": (),
    "an empty line": ("",),
    "another scheme": ("Basic YTpi",),
    "no key": ("Bearer x",),
    "a key that nobody made": (f"Bearer {make()[0]}",),
    "two keys": (f"Bearer {make()[0]}", f"Bearer {make()[0]}"),
}


@pytest.mark.parametrize("lines", STRANGERS.values(), ids=STRANGERS)
def test_whoever_brings_no_good_key_is_told_nothing(served: Administered, lines: tuple[str, ...]):
    found = ask(served, *lines)
    assert found.status_code == 401
    assert found.headers["content-type"] == "application/problem+json"
    assert found.json().keys() == {"type", "title", "status", "detail"}
    assert found.json()["status"] == 401


def test_another_secret_under_the_prefix_of_a_key_is_none(served: Administered):
    key = served.key("users:read")
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    assert ask(served, f"Bearer {wrong}").status_code == 401
    assert ask(served, f"Bearer {key}").status_code == 200


def test_a_revoked_key_is_none_from_the_next_request_on(served: Administered):
    key = served.key("users:read")
    assert ask(served, f"Bearer {key}").status_code == 200
    served.run("apikey", "revoke", prefix_of(key) or "")
    assert ask(served, f"Bearer {key}").status_code == 401


def test_a_key_for_tokens_alone_has_no_scope(served: Administered):
    key = served.run("apikey", "add", "shop", "--user", "*")
    assert ask(served, f"Bearer {key}").json()["scopes"] == []


def test_guesses_are_counted_and_slowed_while_good_keys_go_on(tmp_path: Path):
    with here.serve(prepared(tmp_path)) as running:
        served = Administered(running)
        wrong = f"Bearer {make()[0]}"
        answers = [ask(served, wrong)]
        while answers[-1].status_code == 401 and len(answers) < 20 * GUESSES:  # while it lasts, others are forgiven
            answers.append(ask(served, wrong))
        assert len(answers) > GUESSES
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert answers[-1].headers["content-type"] == "application/problem+json"
        assert served.http.get(KEY).status_code == 200
        only = served.key("users:read")
        assert ask(served, f"Bearer {only}", path="/api/v1/bans").status_code == 403
        counted = httpx.get(f"{running.url}/healthz", trust_env=False).json()["counted"]
        told = {name: counted[name] for name in counted if name.startswith("admin_")}
        assert told == {"admin_no_key": len(answers) - 1, "admin_no_scope": 1, "admin_throttled": 1}
        served.close()


def test_no_page_may_read_an_answer(served: Administered):
    headers = {"origin": "https://page.example", "access-control-request-method": "GET"}
    asked = httpx.options(f"{served.url}{KEY}", headers=headers, trust_env=False)
    assert asked.status_code == 405
    found = served.http.get(KEY, headers={"origin": "https://page.example"})
    assert not [name for name in (*asked.headers, *found.headers) if name.startswith("access-control")]


def test_a_path_there_is_not(served: Administered):
    found = served.http.get("/api/v1/nothing")
    assert (found.status_code, found.json()["detail"]) == (404, "there is no such path")
    assert found.headers["content-type"] == "application/problem+json"


def test_a_verb_there_is_not(served: Administered):
    found = served.http.delete(KEY)
    assert (found.status_code, found.headers["allow"]) == (405, "GET, HEAD")
    assert found.headers["content-type"] == "application/problem+json"


def test_hooks_are_not_answered_there_nor_the_interface_among_hooks(served: Administered):
    assert served.http.post("/hooks/connect", json={}).status_code == 404
    assert httpx.get(f"{served.running.url}{KEY}", trust_env=False).status_code == 404


def test_the_document_needs_no_key_and_holds_none(served: Administered):
    found = ask(served, path="/api/openapi.json")
    assert found.status_code == 200
    assert found.json()["openapi"] == "3.1.0"
    assert served.all not in found.text


QUERIES = {
    "an unknown parameter": ("?limt=1", "'limt': there is no such parameter"),
    "a parameter with half a character": ("?%ed%a0%80=1", "there is no such parameter"),
}


@pytest.mark.parametrize(("query", "told"), QUERIES.values(), ids=QUERIES)
def test_a_query_that_is_not_understood(served: Administered, query: str, told: str):
    found = served.http.get(KEY + query)
    assert found.status_code == 400
    assert told in found.json()["detail"]


def test_a_body_where_none_is_wanted(served: Administered):
    found = served.http.request("GET", KEY, content=b"{}")
    assert (found.status_code, found.json()["detail"]) == (400, "the body must be empty")


def test_a_body_without_end(served: Administered):
    found = served.http.request("GET", KEY, content=b"x" * 70_000)
    assert found.status_code == 413
