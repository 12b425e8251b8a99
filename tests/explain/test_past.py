"""A recorded hook, explained by the rules of today."""

from dataclasses import replace
from typing import ClassVar

import pytest

from authgate.explain import explain_past, recall
from authgate.explain.kept import NOT_KEPT
from authgate.model import Reason
from tests.explain.made import LIVE, dried, judged_by
from tests.judge.made import put, rule
from tests.test_gateway import TOKEN, body, send


class TestPast:
    async def record(self, gateway, name, sent):
        await send(gateway, name, sent)
        return (gateway.ledger.written or gateway.ledger.deferred)[-1].record

    async def test_a_verdict_of_before_is_explained_by_today(self):
        record = await self.record(judged_by([rule("a", "deny", users="ann")]), "publishStream", body(**LIVE, name="x"))
        found = await explain_past(recall(record), dried(judged_by([])))
        assert (record.reason, found.decision.reason) == (Reason.POLICY_DENIED, Reason.OK)

    async def test_who_was_not_asked_for_is_not_made_up(self):
        record = await self.record(judged_by([rule("a", "allow")]), "publishStream", body(**LIVE, name="x"))
        found = await explain_past(recall(record), dried(judged_by([])))
        assert (found.decision, found.pending) == (None, "it was not asked at the time who sent it")

    async def test_a_field_that_is_not_kept_is_not_made_up(self):
        gateway = judged_by([])
        record = await self.record(gateway, "publishStream", body(**LIVE, name="x", custom={"room": "r"}))
        rules = [rule("a", "deny", names={"custom.room": ("r",)})]
        found = await explain_past(recall(record), dried(judged_by(rules)))
        assert (found.decision, found.pending) == (None, "what the rules look at was not kept: custom")

    async def test_a_rewrite_by_a_field_that_is_not_kept_is_not_made_up(self):
        record = await self.record(judged_by([]), "publishStream", body(**LIVE, name="x", custom={"room": "r"}))
        rules = [rule("a", "session", methods="publishStream", rewrites=[put("name", "{custom.room}")])]
        found = await explain_past(recall(record), dried(judged_by(rules)))
        assert (found.decision, found.pending) == (None, f"{NOT_KEPT}: custom.room")

    async def test_a_record_without_facts(self):
        record = await self.record(judged_by([]), "publishStream", body(**LIVE, name="x"))
        old = replace(record, facts="")
        found = await explain_past(recall(old), dried(judged_by([rule("a", "deny", names="x")])))
        assert found.pending == "what the rules look at was not kept: name"

    async def test_a_name_that_was_cut_is_not_taken_for_the_whole(self):
        record = await self.record(judged_by([]), "publishStream", body(**LIVE, name="x?token=c4nary"))
        for rules, pending in (
            ([rule("a", "deny", names="x")], "what the rules look at was not kept: name"),
            ([rule("a", "session", methods="publishStream", rewrites=[put("name", "a-{name}")])], f"{NOT_KEPT}: name"),
        ):
            found = await explain_past(recall(record), dried(judged_by(rules)))
            assert (found.decision, found.pending) == (None, pending)
        assert (await explain_past(recall(record), dried(judged_by([])))).decision.reason is Reason.OK

    ADDRESSES: ClassVar = {
        "rtsp://wcs.example.com:5554/x?aclAuth=c4nary": Reason.POLICY_DENIED,
        f"rtsp://wcs.example.com:5554/{'x' * 300}": None,
        "rtsp://user:pass?word@wcs.example.com/x": None,
    }

    @pytest.mark.parametrize(("address", "reason"), ADDRESSES.items())
    async def test_the_path_of_an_RTSP_players_address_is_enough(self, address, reason):
        record = await self.record(judged_by([]), "playRTSP", body(**TOKEN, name=address))
        found = await explain_past(recall(record), dried(judged_by([rule("a", "deny", actions="play", names="x")])))
        assert (found.decision and found.decision.reason) == reason

    async def test_a_name_that_is_a_number(self):
        record = await self.record(judged_by([]), "publishStream", body(**LIVE, name=5))
        found = await explain_past(recall(record), dried(judged_by([rule("a", "deny", names="5")])))
        assert found.decision.reason is Reason.POLICY_DENIED

    @pytest.mark.parametrize("facts", ["[", "[]", '{"changed":5}', '{"fields":{}}', "null"])
    async def test_facts_that_cannot_be_read(self, facts):
        record = replace(await self.record(judged_by([]), "hold", body(**LIVE)), facts=facts)
        assert (await explain_past(recall(record), dried(judged_by([])))).pending

    async def test_targets_of_the_past_are_not_asked(self):
        gateway = judged_by([rule("a", {"type": "forward", "target": "yes"})])
        record = await self.record(gateway, "hold", body(**LIVE))
        gateway.targets.asked.clear()
        found = await explain_past(recall(record), dried(gateway))
        assert (found.target, gateway.targets.asked) == ("yes", [])
