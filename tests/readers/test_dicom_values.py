"""Elements as text and numbers: absent, empty and strange ones are told apart."""

import math

import pydicom

from delineate.readers.dicom_values import many, number, numbers, text


def test_absent_numbers_are_none_and_strange_ones_not_a_number():
    dataset = pydicom.Dataset()
    dataset.PixelSpacing = [1, 2, 3]
    dataset.SliceThickness = None

    assert number(dataset, "SliceThickness") is None
    assert number(None, "SliceThickness") is None
    assert numbers(dataset, "ImagePositionPatient", 3) is None
    assert all(math.isnan(value) for value in numbers(dataset, "PixelSpacing", 2))


def test_text_joins_values_and_is_empty_where_there_is_none():
    dataset = pydicom.Dataset()
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]

    assert text(dataset, "ImageType") == "ORIGINAL\\PRIMARY"
    assert text(dataset, "StudyID") == ""
    assert many(dataset.ImageType) == ["ORIGINAL", "PRIMARY"]
    assert many("") == []
