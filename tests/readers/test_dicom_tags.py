"""Words of the standard, held to pydicom's dictionaries."""

from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID

from delineate.readers.dicom_tags import (
    CLASSIC_KEYS,
    FRAME_KEYS,
    LOSSY,
    NATIVE,
    OTHER_OBJECTS,
    PLUGINS,
    STORAGE,
)


def test_every_word_is_one_of_the_standard():
    words = [*CLASSIC_KEYS, *FRAME_KEYS, *(word for group in FRAME_KEYS.values() for word in group)]

    assert [word for word in words if tag_for_keyword(word) is None] == []


def test_every_syntax_is_one_of_the_standard_and_compressed_ones_have_a_codec():
    assert all(UID(syntax).is_transfer_syntax for syntax in (*NATIVE, *PLUGINS, *LOSSY))
    assert all(UID(syntax).is_compressed for syntax in PLUGINS)
    assert set(LOSSY) <= set(PLUGINS)


def test_no_class_that_is_left_aside_is_a_scan():
    scans = ("CT", "MR", "Enhanced MR", "Enhanced CT", "Positron")

    names = [UID(uid).name for uid in OTHER_OBJECTS]

    unknown = [name for name in names if name.startswith("1.2.")]
    assert [name for name in names if name.startswith(scans)] == []
    assert unknown == [f"{STORAGE}66.7"]  # LABELMAP is younger than pydicom 3.0
