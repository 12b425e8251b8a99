import pytest

from authgate.metrics import Memory, Meter, table


def numbers(meter):
    return {(place, *name): value for place, name, value in meter.read()}


def test_a_tally_is_a_counter_that_others_can_read():
    memories = [Memory(), Memory()]
    one, other = (Meter(memories, place) for place in range(2))
    one.tally["guesses_wrong"] += 2
    other.tally["guesses_wrong"] += 1
    assert (one.tally["guesses_wrong"], one.tally["never"]) == (2, 0)
    assert dict(one.tally) == {"guesses_wrong": 2}
    expected = {(0, "tally", "guesses_wrong"): 2.0, (1, "tally", "guesses_wrong"): 1.0}
    assert numbers(one) == numbers(other) == expected


def test_whoever_takes_a_place_goes_on_counting_where_the_last_one_was():
    memories = [Memory()]
    for times in (1, 2, 3):
        each = Meter(memories)
        each.tally["hooks_malformed"] += 1
        each.histogram(table.HASHING, ("argon2",)).observe(0.02)
        each.rise(table.CPU, (), 4.0)
        each.rise(table.CPU, (), 5.0)
        assert each.tally["hooks_malformed"] == times
        read = numbers(each)
        assert read[0, table.HASHING.name, "argon2", "0.025"] == times
        assert read[0, table.HASHING.name, "argon2", "sum"] == pytest.approx(0.02 * times)
        assert read[0, table.CPU.name] == 5.0 * times


def test_what_somebody_else_counts_never_makes_a_number_go_back():
    one = Meter()
    for number in (3, 2, 4):
        one.rise(table.STORE_ERRORS, ("read",), number)
    assert numbers(one) == {(0, table.STORE_ERRORS.name, "read"): 5.0}


OBSERVED = {
    "at a bound": (0.001, "0.001"),
    "just above": (0.00101, "0.0025"),
    "nothing": (0.0, "0.001"),
    "in the middle": (0.3, "0.5"),
    "at the last bound": (2.5, "2.5"),
    "beyond all": (60.0, "+Inf"),
}


@pytest.mark.parametrize(("seconds", "bucket"), OBSERVED.values(), ids=OBSERVED)
def test_a_histogram_counts_in_one_bucket(seconds, bucket):
    one = Meter()
    one.histogram(table.DURATION, ("call",)).observe(seconds)
    found = {name[-1]: value for (_, *name), value in numbers(one).items() if value}
    assert found == {bucket: 1.0} | ({"sum": seconds} if seconds else {})


def test_gauges_are_those_that_were_shown_last():
    one = Meter()
    one.show({(table.TARGET_UP, ("a",)): 1.0, (table.TARGET_UP, ("b",)): 0.0})
    one.show({(table.TARGET_UP, ("b",)): 1.0})
    assert numbers(one) == {(0, table.TARGET_UP.name, "b"): 1.0}
    one.show({(table.TARGET_UP, ("a",)): 0.0})
    assert numbers(one) == {(0, table.TARGET_UP.name, "a"): 0.0}


def test_gauges_of_a_worker_that_is_gone_do_not_stand():
    now = [1000.0]
    memories = [Memory(), Memory()]
    one, other = (Meter(memories, place, lambda: now[0]) for place in range(2))
    one.show({(table.LEDGER, ()): 7.0})
    one.tally["hooks_malformed"] += 1
    other.show({(table.LEDGER, ()): 2.0})
    now[0] += 6
    other.show({(table.LEDGER, ()): 3.0})
    assert numbers(other) == {(1, table.LEDGER.name): 3.0, (0, "tally", "hooks_malformed"): 1.0}


def test_gauges_of_the_last_worker_at_a_place_are_not_those_of_the_next():
    memories = [Memory(), Memory()]
    Meter(memories, 0).show({(table.LEDGER, ()): 7.0})
    Meter(memories, 0)
    assert numbers(Meter(memories, 1)) == {}
