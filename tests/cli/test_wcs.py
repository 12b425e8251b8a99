"""``authgate wcs``: whether the media server's REST API can be used."""

import asyncio
import json
import threading

import pytest

from tests.cli.trying import KEY as SESSION
from tests.wcs.fake import reply, running, stream


@pytest.fixture
def fake():
    """A node, on a thread of its own."""
    loop, there, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found = []

    async def serve():
        async with running() as one:
            found.append(one)
            there.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert there.wait(10)
    yield found[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(10)
    loop.close()


def configured(path, url, node="n1", more=""):
    path.write_text(path.read_text() + f"[[wcs]]\nnode = '{node}'\nurl = '{url}'\n{more}\n")


def test_what_was_found(authgate, path, fake):
    fake.add("a", "b")
    fake.streams = {"m": stream("m")}
    configured(path, fake.url)
    [told] = json.loads(authgate("wcs", "check", "--json").output)
    assert told.pop("seconds") >= 0
    assert told == {
        "node": "n1",
        "url": fake.url,
        "reachable": True,
        "authenticated": True,
        "connections": 2,
        "streams": 1,
        "unknown": 2,
        "fault": "",
    }
    assert authgate("wcs", "check").output.splitlines()[1].split()[:6] == ["n1", fake.url, "yes", "yes", "2", "2"]


def test_a_wrong_password(authgate, path, fake):
    fake.login = ("ann", "another")
    configured(path, fake.url, more="username = 'ann'\npassword = 's3cret'")
    result = authgate("wcs", "check", status=1)
    assert f"n1: wcs 'n1' ({fake.url}/connection/find_all) does not take this username and password" in result.output
    assert "s3cret" not in result.output
    [told] = json.loads(authgate("wcs", "check", "--json", status=1).stdout)
    assert (told["reachable"], told["authenticated"]) == (True, False)


def test_one_that_is_away_beside_one_that_answers(authgate, path, fake):
    configured(path, "http://127.0.0.1:1/rest-api", node="away")
    configured(path, fake.url)
    first, second = json.loads(authgate("wcs", "check", "--json", status=1).stdout)
    assert (first["reachable"], first["authenticated"], first["connections"]) == (False, None, None)
    assert "cannot be reached" in first["fault"]
    assert (second["reachable"], second["fault"]) == (True, "")


def test_an_address_where_nothing_is_found(authgate, path, fake):
    configured(path, fake.url.removesuffix("/rest-api") + "/elsewhere")
    assert "url is wrong; it ends in /rest-api as a rule" in authgate("wcs", "check", status=1).output


def test_garbage(authgate, path, fake):
    fake.answers = {"/stream/find_all": reply("<html>")}
    configured(path, fake.url)
    assert "gives an answer that is not a JSON list" in authgate("wcs", "check", status=1).output


def test_no_section(authgate):
    assert "error: the configuration has no [[wcs]] section; add one" in authgate("wcs", "check", status=1).output


def test_connections_of_others_are_told_apart(authgate, path, fake, prepared):
    fake.add(SESSION.session, "another")
    configured(path, fake.url, node=SESSION.node)
    [told] = json.loads(authgate("wcs", "check", "--json").stdout)
    assert (told["connections"], told["unknown"]) == (2, 1)


def test_a_store_that_is_away_is_not_needed(authgate, path, fake, store_url):
    fake.add("a")
    configured(path, fake.url)
    path.write_text(path.read_text().replace(store_url, "postgresql://nobody@127.0.0.1:1/none"))
    [told] = json.loads(authgate("wcs", "check", "--json").stdout)
    assert (told["connections"], told["unknown"]) == (1, None)
