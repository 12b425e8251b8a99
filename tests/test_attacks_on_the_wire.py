"""Known attacks on the wire, over HTTP, on a whole authgate: a test for each, named after it."""

import base64
import hmac
import json
import secrets
import socket

import pytest

from authgate.hooks.methods import METHODS
from tests.attacked import MALFORMED, PASSWORD, REFUSED, SETTINGS, body, servers
from tests.trouble import held, kept


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with servers(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="module")
def attacked(running):
    return running("attacked", SETTINGS, ann=PASSWORD)


GOOD = body(custom={"token": "TOKEN"})
UNREADABLE = {
    "empty": b"",
    "a list": b"[%s]" % GOOD,
    "null": b"null",
    "text": b'"x"',
    "two objects": GOOD + GOOD,
    "torn": GOOD[:-1],
    "form fields": b"appKey=defaultApp&sessionId=s",
    "duplicate keys": GOOD[:-1] + b',"custom":{"token":"TOKEN"}}',
    "duplicate keys, one escaped": GOOD[:-1] + rb',"\u0063ustom":{}}',
    "duplicate keys inside": GOOD.replace(b'{"token"', b'{"token":"x","token"'),
    "duplicate ids": GOOD.replace(b'{"nodeId"', b'{"sessionId":"other","nodeId"'),
    "lone surrogate": GOOD[:-1] + rb',"name":"\ud800"}',
    "lone surrogate in a key": GOOD[:-1] + rb',"\udc00":1}',
    "lone surrogate in the token": GOOD.replace(b"TOKEN", rb"TOKEN\ud800"),
    "surrogates in UTF-8": GOOD[:-1] + b',"name":"\xed\xa0\x80"}',
    "not a number": GOOD[:-1] + b',"x":NaN}',
    "infinity": GOOD[:-1] + b',"x":-Infinity}',
    "more than infinity": GOOD[:-1] + b',"x":1e999}',
    "a number of 5,000 digits": GOOD[:-1] + b',"x":%s}' % (b"7" * 5000),
    "nested 100,000 deep": GOOD[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested 100,000 deep and torn": b'{"a":' * 100_000,
    "a comment": GOOD[:-1] + b"/* */}",
    "a comma too many": GOOD[:-1] + b",}",
    "a NUL behind it": GOOD + b"\0",
    "a raw line end in a text": GOOD[:-1] + b',"x":"\n"}',
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-32": GOOD.decode().encode("utf-32-le"),
    "latin-1": GOOD[:-1] + b',"x":"\xe9"}',
    "overlong UTF-8": GOOD[:-1] + b',"x":"\xc0\xaf"}',
    "compressed": b"\x1f\x8b\x08\x00" + b"\0" * 20,
}


@pytest.mark.parametrize("sent", UNREADABLE.values(), ids=UNREADABLE)
def test_duplicate_keys_lone_surrogates_and_other_bodies_that_two_read_differently(attacked, sent):
    sent = sent.replace(b"TOKEN", attacked.good["token"].encode())
    before = attacked.live()
    assert attacked.raw("connect", sent) == MALFORMED
    assert attacked.raw("publishStream", sent) == MALFORMED
    assert attacked.raw("teleport", sent) == MALFORMED
    assert attacked.raw("StreamStatusEvent", sent) == (200, b"{}")
    assert attacked.live() == before


def test_the_echo_is_never_normalised(attacked):
    odd = b'{ "b" : 1e2,"a":[1.10, -0.0,123456789012345678901234567890] ,\r\n'
    odd += b'"\\u0061b":"\\u00e9\\/\xc3\xa9\\ud83d\\udc4b",'
    odd += b'"createDate":1764037192000,"sdp":"v=0\\r\\n","custom":{"token":"%s"},' % attacked.good["token"].encode()
    odd += b'"restClientConfig":{"publishStream":{"restOnError":"LOG"}},"sessionId":"odd","appKey":"a"\t}\n'
    assert attacked.raw("StreamStatusEvent", odd) == (200, odd)
    status, answer = attacked.raw("connect", odd)
    start, end = odd.split(b'{"publishStream":{"restOnError":"LOG"}}')
    assert status == 200
    assert answer.startswith(start)
    assert answer.endswith(end)
    assert json.loads(answer[len(start) : -len(end)])["publishStream"]["restOnError"] == "FAIL"


SMUGGLED = b"POST /hooks/connect HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n"
FRAMES = {
    "two lengths": b"Content-Length: 2\r\nContent-Length: 99\r\n\r\n{}",
    "a length and chunks": b"Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"Content-Length: -1\r\n\r\n{}",
    "a length with a sign": b"Content-Length: +2\r\n\r\n{}",
    "a chunk of no size": b"Transfer-Encoding: chunked\r\n\r\nx\r\n{}\r\n0\r\n\r\n",
    "a header without an end": b"X: \0\r\n\r\n",
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_smuggled_requests(attacked, frame):
    with socket.create_connection(("127.0.0.1", int(attacked.server.url.rpartition(":")[2])), 10) as client:
        client.sendall(b"POST /hooks/StreamStatusEvent HTTP/1.1\r\nHost: x\r\n" + frame + SMUGGLED)
        received = b""
        while data := client.recv(65536):
            received += data
    assert received.startswith(b"HTTP/1.1 400")
    assert received.count(b"HTTP/1.1") == 1


KEYS = ("hmac-key-of-the-test-1", "hmac-key-of-the-test-2")
LOGIN = "wcs:rest-password-of-the-test"
GUARDED = f"""
[caller]
hmac_keys = {json.dumps(KEYS)}
basic = ["{LOGIN}"]
addresses = ["192.0.2.10", "2001:db8::/64"]
trusted_proxies = ["127.0.0.1", "198.51.100.0/24"]
"""
HOME = "192.0.2.10"


@pytest.fixture(scope="module")
def guarded(running):
    return running("guarded", GUARDED, ann=PASSWORD)


def headers(sent, key=KEYS[0], login=LOGIN, forwarded=(HOME,), scheme="WCS"):
    signature = hmac.digest(key.encode(), sent, "md5").hex()
    return [
        ("Authorization", f"{scheme} {signature}"),
        ("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}"),
        *(("X-Forwarded-For", line) for line in forwarded),
    ]


FORWARDED = {
    "straight": ((HOME,), True),
    "through a second proxy of ours": ((f"{HOME}, 198.51.100.7",), True),
    "in two lines": ((HOME, "198.51.100.7"), True),
    "IPv6": (("2001:db8::7",), True),
    "IPv4 as IPv6": ((f"::ffff:{HOME}",), True),
    "what came before does not matter": ((f"garbage, 10.0.0.1, {HOME}",), True),
    "not at all": ((), False),
    "a stranger": (("203.0.113.9",), False),
    "a stranger who says to be ours": ((f"{HOME}, 203.0.113.9",), False),
    "a stranger who says so in a line of his own": ((HOME, "203.0.113.9"), False),
    "a stranger behind our proxy": ((f"{HOME}, 203.0.113.9, 198.51.100.7",), False),
    "malformed": (("garbage",), False),
    "malformed behind a good one": ((f"{HOME}, garbage",), False),
    "empty": (("",), False),
    "empty behind a good one": ((f"{HOME},",), False),
    "with a port": ((f"{HOME}:80",), False),
    "only our proxies": (("198.51.100.7, 127.0.0.1",), False),
    "huge": ((", ".join([HOME] + ["203.0.113.9"] * 2000),), False),
}


@pytest.mark.parametrize(("forwarded", "trusted"), FORWARDED.values(), ids=FORWARDED)
def test_forged_x_forwarded_for(guarded, forwarded, trusted):
    sent = body(custom=guarded.good)
    answer = guarded.raw("connect", sent, headers(sent, forwarded=forwarded))
    assert answer[0] == 200 if trusted else answer == REFUSED
    event = guarded.raw("StreamStatusEvent", sent, headers(sent, forwarded=forwarded))
    assert event == ((200, sent) if trusted else REFUSED)


def test_hmac_over_the_raw_body(guarded):
    sent = b'{ "appKey":"a",\t"sessionId" : "caf\\u00e9\xc3\xa9", "custom":{"token":"%s"}}\n'
    sent %= guarded.good["token"].encode()
    again = json.dumps(json.loads(sent)).encode()
    assert guarded.raw("connect", sent, headers(sent))[0] == 200
    assert guarded.raw("connect", sent, headers(sent, KEYS[1], scheme="wcs"))[0] == 200
    strangers = {
        "what stands in it, written again": headers(again),
        "another body": headers(b"{}"),
        "another key": headers(sent, "hmac-key-of-the-attacker"),
        "no key": headers(sent, ""),
        "another scheme": headers(sent, scheme="Bearer"),
        "no signature": headers(sent)[1:],
        "no REST user": [headers(sent)[0], headers(sent)[2]],
        "another REST user": headers(sent, login="wcs:"),
        "nothing": [],
    }
    for what, given in strangers.items():
        assert guarded.raw("connect", sent, given) == REFUSED, what
        assert guarded.raw("StreamStatusEvent", sent, given) == REFUSED, what
    # Nothing is opened before it is known whose it is.
    assert guarded.raw("connect", b"[", headers(b"{")) == REFUSED
    assert guarded.raw("connect", b"[", headers(b"[")) == MALFORMED


def test_strangers_fill_no_table(guarded):
    before = len(kept(guarded.server.store_url)[0])
    for method in METHODS:
        assert guarded.raw(method, body()) == REFUSED
    assert len(kept(guarded.server.store_url)[0]) == before
    counted = guarded.get("/healthz")[1]["counted"]
    assert counted["callers_not_trusted"] >= len(METHODS)


def test_no_secret_is_left_anywhere(attacked, guarded):
    """Not in the log, though it tells everything, nor in the database, the spool, an answer or a list."""
    marks = [f"secret-{n}-{secrets.token_hex(8)}" for n in range(9)]
    offers = [
        {"login": "ann", "password": marks[0]},
        {"login": "nobody", "password": marks[1]},
        {"password": marks[2]},
        {"token": marks[3]},
        {"token": [marks[4]]},
        {"token": attacked.server.token(nonce=marks[5]) + "x"},
        {"token": attacked.server.token(sub="nobody")},
        {"login": "ann", "password": PASSWORD},
        attacked.good,
    ]
    fields = {"sipPassword": marks[6], "sipLogin": "2001", "name": f"rtsp://u:{marks[7]}@cam/1?token={marks[8]}"}

    def attack():
        for offer in offers:
            for method in ("connect", "publishStream", "playRTSP", "StreamStatusEvent"):
                attacked.post(method, "secretive", custom=offer, **fields)
                attacked.raw(method, body("secretive", custom=offer, **fields)[:-1])

    attack()
    with held(attacked.server.store_url):
        attack()
    assert guarded.raw("connect", body(custom=guarded.good), headers(body(custom=guarded.good)))[0] == 200
    hidden = [*marks, PASSWORD, *KEYS, LOGIN.partition(":")[2]]
    for each in (attacked, guarded):
        config = each.server.config.read_text()
        hidden += [line.split('"')[1] for line in config.splitlines() if line.startswith("key = ")]
    for offer in [*offers, guarded.good]:
        token = offer.get("token", "")
        hidden += token.split(".")[1:] if isinstance(token, str) and token.count(".") == 2 else []
    seen = {}
    for name, each in {"attacked": attacked, "guarded": guarded}.items():
        files = [path for path in each.server.config.parent.rglob("*") if path.is_file()]
        seen |= {(name, path.name): path.read_bytes() for path in files if path != each.server.config}
        seen[name, "healthz"] = json.dumps(each.get("/healthz")).encode()
    for command in ("record list --json", "session list --json", "user list", "config show"):
        seen["attacked", command] = attacked.run(*command.split()).encode()
    for place in ("serve.log", "authgate.db", "record list"):
        assert b"secretive" in b"".join(seen[at] for at in seen if at[1].startswith(place)), place
    leaks = {(place, secret) for place, content in seen.items() for secret in hidden if secret.encode() in content}
    assert leaks == set()
