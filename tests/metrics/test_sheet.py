import multiprocessing
import os
import signal

import pytest

from authgate.metrics import sheet as sheets
from authgate.metrics.sheet import Memory, Sheet

SPAWN = multiprocessing.get_context("spawn")


def count_and_be_killed(memory):
    sheet = Sheet(memory)
    for _ in range(3):
        sheet.values[sheet.cell(("hooks", "connect"))] += 1
    os.kill(os.getpid(), signal.SIGKILL)


def counted(memory):
    return dict(Sheet(memory).read())


def test_a_number_is_read_under_its_name_by_whoever_shares_the_memory():
    memory = Memory()
    writer = Sheet(memory)
    writer.values[writer.cell(("a", "b"))] = 1.5
    writer.values[writer.cell(("a", ""))] += 2
    assert counted(memory) == {("a", "b"): 1.5, ("a", ""): 2.0}


def test_what_a_killed_process_counted_stays_and_its_successor_goes_on_from_there():
    memory = Memory()
    for times in (1, 2):
        process = SPAWN.Process(target=count_and_be_killed, args=(memory,))
        process.start()
        process.join(30)
        assert process.exitcode == -signal.SIGKILL
        assert counted(memory) == {("hooks", "connect"): 3.0 * times}


def test_a_reader_sees_names_that_came_after_it():
    memory = Memory()
    writer, reader = Sheet(memory), Sheet(memory)
    assert dict(reader.read()) == {}
    writer.values[writer.cell(("late",))] = 1
    assert dict(reader.read()) == {("late",): 1.0}


NAMES = {
    "a newline": (("a\nb",), ("a?b",)),
    "what stands between parts": (("a\x1fb", "c"), ("a?b", "c")),
    "NUL": (("a\0b",), ("a?b",)),
    "half a surrogate pair": (("a\ud800",), ("a?",)),
    "other scripts": (("приложение",), ("приложение",)),
    "more than a name may have": (("x" * 1000,), ("x" * 128,)),
}


@pytest.mark.parametrize(("given", "read"), NAMES.values(), ids=NAMES)
def test_no_name_spoils_those_beside_it(given, read):
    memory = Memory()
    sheet = Sheet(memory)
    sheet.values[sheet.cell(("before",))] = 1
    sheet.values[sheet.cell(given)] = 2
    sheet.values[sheet.cell(("after",))] = 3
    assert counted(memory) == {("before",): 1.0, read: 2.0, ("after",): 3.0}


@pytest.mark.parametrize("limit", ["_CELLS", "_MOST_NAMES"])
def test_a_full_sheet_counts_on_what_it_has_and_nothing_else_suffers(monkeypatch, limit):
    monkeypatch.setattr(sheets, limit, 100)
    memory = Memory()
    sheet = Sheet(memory)
    for at in range(200):
        sheet.values[sheet.cell((f"n{at:03}",))] += 1
    read = counted(memory)
    assert 0 < len(read) < 100
    assert set(read.values()) == {1.0}
    sheet.values[sheet.cell(("n000",))] += 1
    assert counted(memory)[("n000",)] == 2.0


def test_a_name_that_is_too_long_for_what_is_left_takes_nobody_elses_place(monkeypatch):
    monkeypatch.setattr(sheets, "_MOST_NAMES", 20)
    memory = Memory()
    sheet = Sheet(memory)
    for name, value in (("a" * 10, 1), ("b" * 50, 2), ("c" * 5, 3)):
        sheet.values[sheet.cell((name,))] = value
    assert counted(memory) == {("a" * 10,): 1.0, ("c" * 5,): 3.0}


def test_where_the_system_has_no_memory_files_a_file_without_a_name_does(monkeypatch):
    monkeypatch.delattr(os, "memfd_create")
    memory = Memory()
    sheet = Sheet(memory)
    sheet.values[sheet.cell(("a",))] = 1
    assert counted(memory) == {("a",): 1.0}


def test_the_memory_is_given_back_with_its_last_holder():
    memory = Memory()
    descriptor = memory.descriptor
    del memory
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
