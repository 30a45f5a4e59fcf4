"""The child process: crashes, hangs and greed of one file cost that file only."""

import os
import signal
import time

import numpy as np
import pytest
from tests.readers.dicom_cases import even, write_stack

from delineate.readers.dicom_child import CHILD, Child, ChildError, read_headers, read_pixels
from delineate.readers.dicom_child import shared_memory as map_memory
from delineate.readers.dicom_frames import frames_of
from delineate.readers.dicom_sources import SourceFile


@pytest.fixture
def child():
    made = Child()
    yield made
    made.close()


@pytest.fixture
def items(tmp_path):
    write_stack(tmp_path, even(4))
    return [(str(path), "") for path in sorted(tmp_path.iterdir())]


def test_answers_come_in_the_order_of_the_files(child, items):
    answers = child.ask("headers", items=items)

    heights = [answer["header"]["frames"][0]["position"][2] for answer in answers]
    assert heights == [10, 13, 16, 19]


def test_a_child_that_died_is_started_again(child, items):
    child.ask("headers", items=items)
    os.kill(child._process.pid, signal.SIGKILL)
    child._process.wait()

    assert len(child.ask("headers", items=items)) == 4


def test_a_file_that_hangs_is_ended_by_the_clock_and_named_by_its_place(child, tmp_path, items):
    child.ask("headers", items=items)
    pipe = tmp_path / "pipe.dcm"
    os.mkfifo(pipe)  # opening it waits for ever
    start = time.monotonic()

    with pytest.raises(ChildError, match="longer than 1 s") as caught:
        child.ask("headers", items=[*items, (str(pipe), "")], seconds=1)

    assert caught.value.place == 4
    assert len(caught.value.answers) == 4
    assert time.monotonic() - start < 30
    assert len(child.ask("headers", items=items)) == 4


def test_a_file_that_kills_the_child_is_damaged_and_the_others_are_read(monkeypatch, items):
    ask = CHILD.ask
    asked = []

    def ask_and_die(op, **request):
        asked.append(request["items"])
        if len(asked) == 1:
            answers = ask(op, items=request["items"][:1])
            raise ChildError(1, "it crashed", answers)
        return ask(op, **request)

    monkeypatch.setattr(CHILD, "ask", ask_and_die)

    kinds = [header["kind"] for header in read_headers(items)]

    assert kinds == ["image", "damaged", "image", "image"]
    assert [len(batch) for batch in asked] == [4, 2]


def test_more_memory_than_allowed_is_an_error_not_a_crash(child, tmp_path):
    big = tmp_path / "big.dcm"
    head = b"\x08\x00\x05\x00CS\x02\x00  " + b"\x09\x00\x01\x10OB\0\0"
    big.write_bytes(b"\0" * 128 + b"DICM" + head + (2**31 - 500).to_bytes(4, "little"))
    with big.open("r+b") as stream:
        stream.truncate(2**31)  # sparse: takes no space

    answers = child.ask("headers", items=[(str(big), "")], memory=2**30)

    assert answers[0]["header"]["kind"] == "damaged"
    assert "memory" in answers[0]["header"]["reason"]


def test_pixels_take_the_first_type_that_holds_them(items):
    frames = [
        frame
        for header, (path, _) in zip(read_headers(items), items, strict=True)
        for frame in frames_of(SourceFile(path=path), header)
    ]
    wide = [{**frame.pixel_item(), "intercept": 40_000} for frame in frames]

    narrow, _ = read_pixels([frame.pixel_item() for frame in frames], (4, 24, 20), ("int16",))
    found, _ = read_pixels(wide, (4, 24, 20), ("int16", "int32"))

    assert found.dtype == np.int32
    assert np.array_equal(found - 41_024, narrow)
    with pytest.raises(ChildError, match="narrow"):
        read_pixels(wide, (4, 24, 20), ("int16",))


def test_memory_is_shared_under_a_name():
    with map_memory(8) as (name, memory):
        with open(name, "r+b") as stream:
            stream.write(b"12345678")

        assert memory[:] == b"12345678"


def test_pixels_outlive_the_mapping_and_can_be_written(items):
    frames = [
        frame
        for header, (path, _) in zip(read_headers(items), items, strict=True)
        for frame in frames_of(SourceFile(path=path), header)
    ]

    array, padded = read_pixels([entry.pixel_item() for entry in frames], (4, 24, 20), ("int16",))
    array += 1

    assert padded == 0
    assert array[0, 0, 0] == -40 - 90 + 50 + 1
