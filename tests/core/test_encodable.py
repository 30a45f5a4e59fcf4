"""Encodability: what stands in the way of SEG and RTSTRUCT is said before anything is computed."""

from dataclasses import replace

import numpy as np
import pytest

from delineate.core.encodable import check_encodable
from delineate.core.geometry import Geometry
from delineate.core.series import Series, SourceSlice


def series_of(**changes):
    slices = tuple(
        SourceSlice(
            sop_uid=f"1.2.3.{place}",
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            position_mm=(0.0, 0.0, 3.0 * place),
            orientation=(1, 0, 0, 0, 1, 0),
            spacing_mm=(1.0, 1.0),
            rows=4,
            columns=5,
        )
        for place in range(3)
    )
    values = {
        "study_uid": "1.2.1",
        "series_uid": "1.2.2",
        "slices": slices,
        "regular": Geometry(shape=(3, 4, 5), affine=np.eye(4)),
        "header": repr,
        "frame_of_reference_uid": "1.2.9",
    }
    return Series(**{**values, **changes})


def with_slice(**changes):
    slices = series_of().slices
    return series_of(slices=(*slices[:2], replace(slices[2], **changes)))


def test_a_sound_series_has_nothing_in_its_way():
    assert check_encodable(series_of()) == []


@pytest.mark.parametrize(
    ("series", "code"),
    [
        (series_of(frame_of_reference_uid=""), "NO_FRAME_OF_REFERENCE"),
        (series_of(study_uid=""), "NO_STUDY"),
        (series_of(series_uid="1.2.03"), "BAD_UID"),
        (with_slice(sop_uid="1." * 40 + "1"), "BAD_UID"),
        (with_slice(sop_uid="1.2.3.0"), "REPEATED_UID"),
        (with_slice(sop_class_uid="1.2.840.10008.5.1.4.1.1.4"), "MIXED_CLASSES"),
        (with_slice(position_mm=(0.0, float("nan"), 0.0)), "BAD_PLANES"),
        (with_slice(spacing_mm=(0.0, 1.0)), "BAD_PLANES"),
    ],
)
def test_each_hindrance_has_its_code(series, code):
    found = check_encodable(series)

    assert [finding.code for finding in found] == [code]
    assert found[0].severity == "refusal"
    assert found[0].mend


def test_frames_of_one_file_are_told_apart_by_their_numbers():
    slices = tuple(
        replace(entry, sop_uid="1.2.3", frame=place + 1)
        for place, entry in enumerate(series_of().slices)
    )

    assert check_encodable(series_of(slices=slices)) == []
