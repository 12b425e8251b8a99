"""What becomes of hooks is counted where other configurations count too."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from authgate.errors import TargetError
from authgate.targets import HttpTargets, TargetOptions

from .backend import HANG, NO, OK
from .conftest import Named, a_hook, raw, record_of, see, until


async def test_questions_are_counted_by_their_outcome(other: Named, tmp_path: Path):
    tally: Counter[str] = Counter()
    options = TargetOptions(other.url, timeout=0.3, trip_after=100)
    for each in (options, replace(options, insecure_fail_open=True)):
        targets = HttpTargets({"legacy": each}, tmp_path, raw, tally)
        other.say(NO)
        assert not (await targets.ask("legacy", a_hook())).allowed
        other.say([HANG])
        if each.insecure_fail_open:
            assert (await targets.ask("legacy", a_hook())).trouble
        else:
            with pytest.raises(TargetError):
                await targets.ask("legacy", a_hook())
        await targets.close()
    assert tally == {"targets_answered:legacy": 2, "targets_unanswered:legacy": 2, "targets_passed_over:legacy": 1}


async def test_what_is_observed_is_counted_by_what_became_of_it(other: Named, tmp_path: Path):
    tally: Counter[str] = Counter()
    options = TargetOptions(other.url, observe=("*",), queue_max_bytes=100_000)
    targets = HttpTargets({"legacy": options}, tmp_path, raw, tally)
    other.say(NO, OK)
    targets.start()
    see(targets, 1, 2)
    await until(lambda: tally == {"observed_sent:legacy": 1, "observed_unwanted:legacy": 1})
    hook = a_hook(filling="x" * 200_000)
    targets.observe(hook, record_of(hook))
    await targets.close()
    assert tally["observed_lost:legacy"] == 1
