"""What the media server makes of an answer."""

from dataclasses import replace
from typing import ClassVar

import pytest

from authgate.explain import told
from authgate.gateway import AppWire
from authgate.model import Principal, Session
from tests.explain.made import LIVE, explained, judged_by
from tests.judge.made import put, rule
from tests.test_gateway import KEY, NOW, TOKEN, body, live


class TestMediaServer:
    """What comes of an answer depends on what the session was told."""

    def gateway(self, rules, config="d1"):
        gateway = judged_by(rules)
        live(gateway)[KEY] = Session(KEY, "app", NOW * 1000, Principal("ann", "token"), config=config)
        return gateway

    DENY = rule("a", "deny")
    RENAME = rule("a", "session", methods="publishStream", rewrites=[put("name", "int-{name}")])
    CASES: ClassVar = {
        "connect that is allowed": ([], "d1", "connect", body(**TOKEN), ["the session is opened"]),
        "connect that is rejected": (
            [],
            "d1",
            "connect",
            body(),
            ["not opened: the client sees FAILED 'Access denied'"],
        ),
        "a player of HLS": ([], "d1", "playHLS", body(), ["the player gets 401"]),
        "a player of RTSP": ([], "d1", "playRTSP", body(), ["the player's connection is dropped"]),
        "a player that is allowed": ([], "d1", "playHLS", body(**TOKEN), ["the player is served"]),
        "an event": ([], "d1", "StreamStatusEvent", body(), ["it has happened"]),
        "a refusal": ([DENY], "d1", "publishStream", body(**LIVE), ["is not published; the client sees it FAILED"]),
        "a refusal in other words": (
            [rule("a", {"type": "deny", "reason": "Closed"})],
            "d1",
            "playStream",
            body(**LIVE),
            ["FAILED 'Closed': its restClientConfig says FAIL for playStream"],
        ),
        "a refusal in an older session": (
            [DENY],
            "d0",
            "publishStream",
            body(**LIVE),
            ["is not published", "but this session was opened under older rules"],
        ),
        "a refusal in a session that nobody knows": (
            [DENY],
            "d1",
            "publishStream",
            body(),
            ["is not published", "but this session is not in the store"],
        ),
        "a refusal of an unknown method": ([DENY], "d1", "teleport", body(**LIVE), ["told nothing of teleport"]),
        "a call from outside": ([DENY], "d1", "OnCallEvent", body(**LIVE), ["not delivered; the caller gets an error"]),
        "a keep-alive": (
            [rule("a", "deny", methods="StreamKeepAliveEvent")],
            "d1",
            "StreamKeepAliveEvent",
            body(**LIVE),
            ["the stream is ended"],
        ),
        "nothing is changed": ([], "d1", "publishStream", body(**LIVE), ["the operation goes on"]),
        "a rewrite": (
            [RENAME],
            "d1",
            "publishStream",
            body(**LIVE, name="x"),
            ["goes on with name as the answer has it (OVERWRITE)"],
        ),
        "a rewrite in an older session": (
            [RENAME],
            "",
            "publishStream",
            body(**LIVE, name="x"),
            ["goes on with name", "if it was not told OVERWRITE for publishStream, what the answer changes is ignored"],
        ),
        "a hook that cannot be read": ([DENY], "d1", "publishStream", b"[]", ["is not published"]),
    }

    @pytest.mark.parametrize(("rules", "config", "name", "sent", "said"), CASES.values(), ids=CASES)
    async def test_outlook(self, rules, config, name, sent, said):
        found = await explained(self.gateway(rules, config), name, sent)
        assert len(found.outlook) == len(said)
        for sentence, part in zip(found.outlook, said, strict=True):
            assert part in sentence

    async def test_a_refusal_that_is_only_logged(self):
        """Not by what is generated; but whoever reads the answer must be told."""
        gateway = self.gateway([self.DENY])
        told_log = gateway.in_force.any_app.rest_client_config.replace(b"FAIL", b"LOG")
        gateway.in_force = replace(gateway.in_force, any_app=AppWire(told_log, "d1"))
        found = await explained(gateway, "publishStream", body(**LIVE))
        assert found.outlook == (
            "its restClientConfig says LOG for publishStream: the 403 is only logged, and the operation goes on",
        )

    def test_told(self):
        here = told(self.gateway([self.RENAME]).in_force.any_app)
        assert (here["publishStream"].fail, here["publishStream"].overwrite) == (True, ("name",))
        assert "name" in here["StreamStatusEvent"].hidden
        assert here["StreamStatusEvent"].fail is False
        assert "sdp" in here["playStream"].unsent
