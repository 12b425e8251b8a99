"""Nothing in an explanation is secret."""

from typing import ClassVar

import pytest

from authgate.judge import Given
from authgate.model import Principal, Secret
from tests.explain.made import LIVE, explained, judged_by
from tests.judge.made import put, rule
from tests.test_gateway import TOKEN, body


class TestSecrets:
    """Whatever stands in a hook, an explanation shows no credentials."""

    CANARIES: ClassVar = {
        "token": body(**LIVE, custom={"token": "c4nary"}, name="x"),
        "password": body(**LIVE, custom={"login": "ann", "password": "c4nary"}, name="x"),
        "address": body(**LIVE, name="rtsp://user:c4nary@cam.local/1?x=c4nary"),
        "address with an odd password": body(**LIVE, name="rtsp://user:c4nary?c4nary@cam.local/1"),
        "query": body(**LIVE, name="x?token=c4nary"),
        "a second password": body(**LIVE, custom={"login": "ann", "password": "x"}, sipPassword="c4nary", name="x"),
    }

    @pytest.mark.parametrize("sent", CANARIES.values(), ids=CANARIES)
    async def test_of_the_hook(self, sent):
        rules = [
            rule("a", names={"custom.token": ("x",)}),
            rule("b", names={"custom.password": ("x",)}),
            rule("e", names={"custom.pin": ("x",)}),
            rule("c", names={"name": ("y",)}, methods="playStream"),
            rule("d", "allow", methods="playStream", rewrites=[put("visibleName", "{name}")]),
        ]
        found = await explained(judged_by(rules), "playStream", sent, rules=rules)
        assert "c4nary" not in f"{found.sender}{found.rules}{found.differences}{found.outlook}"
        assert [step.name for step in found.rules if step.what == "rule"][:5] == ["a", "b", "e", "c", "d"]

    async def test_a_number_where_a_password_should_be(self):
        rules = [rule("a", names={"custom.password": ("x",)}), rule("b", names={"custom.token": ("x",)})]
        found = await explained(judged_by(rules), "hold", body(custom={"password": 73914, "token": 73914}))
        assert "73914" not in f"{found.rules}"
        assert "names.custom.password: miss '***'" in f"{found.rules}"

    async def test_of_a_rewrite(self):
        secret = {"type": "put", "field": "sipPassword", "secret": Secret("c4nary")}
        rules = [rule("a", "session", methods="connect", rewrites=[secret, put("sipVisibleName", "{sipPassword}!")])]
        found = await explained(judged_by(rules), "connect", body(**TOKEN), rules=rules)
        assert [(each.field, each.before, each.after) for each in found.differences] == [
            ("sipPassword", None, '"***"'),
            ("sipVisibleName", None, '"***!"'),
        ]

    async def test_a_credential_that_a_rewrite_copies(self):
        rules = [rule("a", "session", methods="connect", rewrites=[put("sipVisibleName", "x-{custom.token}")])]
        found = await explained(judged_by(rules), "connect", body(**TOKEN), rules=rules)
        assert [each.after for each in found.differences] == ['"x-***"']

    async def test_of_what_is_dropped(self):
        rules = [
            rule("a", "session", methods="publishStream", rewrites=[{"type": "drop", "field": each}])
            for each in ("info", "list", "custom")
        ]
        fields = {"info": {"url": "rtsp://u:c4nary@h/1", "n": 5}, "list": ["x?c4nary"], "custom": {"token": "c4nary"}}
        for each, shown in zip(rules, ('{"url": "rtsp://***@h/1", "n": 5}', '["x?***"]', '"***"'), strict=True):
            given = Given(Principal("ann"))
            found = await explained(judged_by([each]), "publishStream", body(**fields), given=given)
            assert [difference.before for difference in found.differences] == [shown]

    async def test_an_alias_that_is_an_address(self):
        rules = [
            rule("a", "session", methods="playStream", rewrites=[{"type": "map", "field": "name", "store": "cams"}])
        ]
        gateway = judged_by(rules)
        gateway.in_force.judge.aliases.tables["cams"] = {"x": "rtsp://u:c4nary@cam.local/1"}
        try:
            found = await explained(gateway, "playStream", body(**LIVE, name="x"))
        finally:
            gateway.in_force.judge.aliases.tables["cams"] = {"lobby": "rtsp://cam.local/1"}
        assert [(each.before, each.after) for each in found.differences] == [('"x"', '"rtsp://***@cam.local/1"')]
