"""The ids of records."""

import os
import re
import time

from authgate.store.ids import first_id, record_id


def test_shape():
    assert re.fullmatch(r"[0-9a-f]{26}", record_id())


def test_ascending():
    ids = [record_id() for _ in range(10_000)]
    assert ids == sorted(set(ids))


def test_bounds():
    before = time.time_ns() // 1_000_000
    drawn = record_id()
    after = time.time_ns() // 1_000_000
    assert first_id(before) < drawn < first_id(after + 1)
    assert first_id(0) < first_id(9) < first_id(10) < first_id(4102444800000)


def test_a_forked_child_draws_its_own():
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, record_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 26).decode()
    os.close(reader)
    os.close(writer)
    assert len(theirs) == 26
    assert theirs[12:20] != record_id()[12:20]
