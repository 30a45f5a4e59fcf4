"""Codes of labels: spellings, sides, regions, private codes and colours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.sr._concepts_dict import concepts

from delineate.core.codes import (
    ANATOMY,
    CATEGORIES,
    MODIFIERS,
    PRIVATE,
    cielab_to_colour,
    code_of,
    codes_of,
    colour_to_cielab,
)
from delineate.core.labels import CodedConcept, Label, LabelTable


@pytest.mark.parametrize(
    ("name", "code", "modifiers"),
    [
        ("stomach", "69695003", []),
        ("small_bowel", "30315005", []),
        ("Small Bowel", "30315005", []),
        ("large_bowel", "14742008", []),
        ("colon", "71854001", []),
        ("duodenum", "38848004", []),
        ("kidney_left", "64033007", ["Left"]),
        ("left kidney", "64033007", ["Left"]),
        ("KidneyRight", "64033007", ["Right"]),
        ("Kidney, R", "64033007", ["Right"]),
        ("kidneys", "64033007", []),
        ("hippocampus anterior", "5366008", ["Anterior"]),
        ("left hippocampus anterior", "5366008", ["Left", "Anterior"]),
        ("lung_upper_lobe_left", "45653009", ["Left"]),
        ("left upper lobe of the lung", "45653009", ["Left"]),
        ("heart_atrium_left", "82471001", []),
        ("vertebrae_L1", "66794005", []),
        ("rib_left_4", "113197003", ["Left"]),
        ("oesophagus", "32849002", []),
        ("nuclei", "84640000", []),
    ],
)
def test_usual_spellings_find_their_code(name, code, modifiers):
    coded = code_of(name)

    assert (coded.type.scheme, coded.type.value) == ("SCT", code)
    assert [entry.meaning for entry in coded.modifiers] == modifiers
    assert coded.is_known


@pytest.mark.parametrize("name", ["flux capacitor", "liver left", "kidney left right", "", "Größe"])
def test_an_unknown_name_gets_a_private_code_that_says_it(name):
    coded = code_of(name)

    assert coded.type.scheme == PRIVATE
    assert len(coded.type.value) <= 16
    assert coded.type.meaning == name
    assert coded.category == ANATOMY
    assert not coded.is_known
    assert code_of(name) == coded


def test_a_tumour_has_its_organ_for_a_region():
    coded = code_of("left kidney tumour")

    assert coded.category.value == "49755003"
    assert coded.type.meaning == "Neoplasm"
    assert coded.region.meaning == "Kidney"
    assert [entry.meaning for entry in coded.region_modifiers] == ["Left"]
    assert coded.modifiers == ()


def test_no_sided_organ_says_two_sides():
    left, right = code_of("heart_ventricle_left"), code_of("kidney right")

    assert "Left" in left.type.meaning
    assert left.modifiers == ()
    assert right.type.meaning == "Kidney"


def test_the_ends_of_the_decathlons_hippocampus_are_understood():
    coded = codes_of(LabelTable.of_names({"anterior": 1, "posterior": 2}))

    assert [entry.type.meaning for entry in coded] == ["Hippocampus", "Hippocampus"]
    assert [entry.modifiers[0].meaning for entry in coded] == ["Anterior", "Posterior"]


def test_a_labels_own_code_and_colour_overrule_the_table():
    own = CodedConcept(value="123", scheme="99HOME", meaning="My liver")
    table = LabelTable(labels=(Label(id=1, name="liver", concept=own, colour=(1, 2, 3)),))

    (coded,) = codes_of(table)

    assert coded.type == own
    assert coded.colour == (1, 2, 3)


def test_made_up_colours_give_way_to_the_tables():
    given_by_place = LabelTable.of_names({"liver": 1})

    (coded,) = codes_of(given_by_place)

    assert coded.colour == code_of("liver").colour


def test_categories_and_modifiers_are_in_the_dictionary():
    known = {
        (code, meaning) for rows in concepts["SCT"].values() for code, (meaning, _) in rows.items()
    }

    used = [*CATEGORIES.values(), *MODIFIERS.values()]

    assert [entry for entry in used if (entry.value, entry.meaning) not in known] == []


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_colours_come_back_from_cielab(colour):
    assert cielab_to_colour(colour_to_cielab(colour)) == colour


def test_grey_has_no_hue_and_white_is_the_brightest():
    white, grey = colour_to_cielab((255, 255, 255)), colour_to_cielab((119, 119, 119))

    neutral = round(128 / 255 * 65535)
    assert white[0] == 65535
    assert np.allclose([*white[1:], *grey[1:]], neutral, atol=20)
