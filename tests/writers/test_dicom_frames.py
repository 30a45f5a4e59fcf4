"""Frames as bits and run lengths: pydicom reads back what was packed."""

import numpy as np
import pytest
from pydicom.pixels.decoders.rle import _rle_decode_frame

from delineate.core.codes import code_of
from delineate.core.labels import Label
from delineate.writers.dicom_frames import number_maps, packed_bits, paint, run_lengths
from delineate.writers.dicom_segments import Segment


def segment(crop, corner=(0, 0, 0), number=1):
    box = tuple(slice(low, low + size) for low, size in zip(corner, crop.shape, strict=True))
    label = Label(id=number, name=f"part {number}")
    return Segment(number=number, label=label, place=0, coded=code_of("liver"), box=box, crop=crop)


@pytest.mark.parametrize(
    ("kind", "values"), [("u1", [0, 0, 1, 200]), ("<u2", [0, 0, 1, 300, 65535])]
)
@pytest.mark.parametrize("shape", [(1, 1), (3, 127), (2, 128), (4, 129), (5, 300), (64, 512)])
@pytest.mark.parametrize("spread", [1, 7, 200])
def test_runs_come_back(shape, kind, values, spread):
    drawn = np.random.default_rng(spread).choice(values, (shape[0], shape[1] // spread + 1))
    frame = np.repeat(drawn, spread, axis=1)[:, : shape[1]].astype(kind)

    packed = run_lengths(frame)

    plain = _rle_decode_frame(packed, *shape, 1, 8 * frame.dtype.itemsize)
    assert np.array_equal(np.frombuffer(plain, kind).reshape(shape), frame)
    assert len(packed) % 2 == 0


@pytest.mark.parametrize("size", [(8, 8), (5, 7), (3, 3)])
def test_bits_run_on_from_frame_to_frame(size):
    crop = np.random.default_rng(0).random((11, *size)) < 0.5
    part = segment(crop)

    packed = packed_bits([(part, plane) for plane in range(11)], size, share=8)

    bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    assert np.array_equal(bits[: crop.size].reshape(crop.shape), crop)
    assert not bits[crop.size :].any()


def test_a_slice_beside_the_segment_stays_empty():
    part = segment(np.ones((2, 1, 1), bool), corner=(3, 1, 1))
    frame = np.zeros((4, 4), np.uint8)

    paint(frame, part, 2)
    paint(frame, part, 5)

    assert not frame.any()


def test_more_than_255_segments_take_16_bits():
    parts = [segment(np.ones((1, 1, 1), bool), (0, 0, k), k + 1) for k in range(256)]

    (frame,) = number_maps(parts, 1, (1, 256))

    assert frame.dtype == np.uint16
    assert frame[0, 255] == 256
