import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.errors import LabelError
from delineate.core.labels import PALETTE, CodedConcept, Label, LabelTable, plain_name


@st.composite
def tables(draw):
    """Any table: plain labels and regions, with and without codes and an ignored value."""
    ids = draw(st.lists(st.integers(1, 250), min_size=1, max_size=6, unique=True))
    names = draw(st.lists(st.text(min_size=1), min_size=len(ids), max_size=len(ids), unique=True))
    codes = st.none() | st.builds(CodedConcept, value=st.text(min_size=1), meaning=st.text())
    covers = st.just(()) | st.lists(st.integers(1, 9), min_size=2, max_size=3).map(tuple)
    colour = st.tuples(*[st.integers(0, 255)] * 3)
    labels = tuple(
        Label(id=number, name=name, covers=draw(covers), colour=draw(colour), concept=draw(codes))
        for number, name in zip(ids, names, strict=True)
    )
    ignore = draw(st.none() | st.just(255))
    return LabelTable(labels=labels, ignore=ignore, overlapping=draw(st.booleans()))


@given(tables())
def test_a_table_survives_json(table):
    text = json.dumps(table.to_dict())

    again = LabelTable.from_dict(json.loads(text))

    assert again == table


def test_background_and_the_ignored_value_are_no_classes():
    names = {"background": 0, "liver": 1, "tumour": 2, "ignore": 3}

    table = LabelTable.of_names(names, ignore=3)

    assert table.names == ("liver", "tumour")
    assert table.values == {0, 1, 2, 3}
    assert table.is_exclusive


def test_regions_are_numbered_in_order_and_cover_their_ids():
    names = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": 3}

    table = LabelTable.of_names(names)

    assert [label.id for label in table.labels] == [1, 2, 3]
    assert table.by_name("core").ids == (2, 3)
    assert table.values == {0, 1, 2, 3}
    assert not table.is_exclusive


def test_classes_get_different_colours_as_far_as_the_palette_goes():
    table = LabelTable.of_names({f"organ {number}": number for number in range(1, 11)})

    colours = {label.colour for label in table.labels}

    assert len(colours) == len(PALETTE) == 10


def test_strange_values_are_named_with_their_file():
    table = LabelTable.of_names({"liver": 1})

    with pytest.raises(LabelError, match=r"liver_01\.nii holds label values \[4, 9\].*liver"):
        table.check(np.array([[0, 1], [4, 9]]), where="liver_01.nii")


def test_a_mask_of_known_values_passes():
    table = LabelTable.of_names({"liver": 1}, ignore=255)

    assert table.check(np.array([[0, 1], [1, 255]]), where="liver_01.nii") is None


@pytest.mark.parametrize(
    "labels",
    [
        (Label(id=1, name="a"), Label(id=1, name="b")),
        (Label(id=1, name="a"), Label(id=2, name="a")),
        (Label(id=0, name="background"),),
    ],
)
def test_ids_and_names_are_distinct_and_start_at_one(labels):
    with pytest.raises(LabelError, match="Mend the table"):
        LabelTable(labels=labels)


def test_an_unknown_class_is_answered_with_the_list():
    table = LabelTable.of_names({"liver": 1, "spleen": 2})

    with pytest.raises(LabelError, match="Choose one of: liver, spleen"):
        table.by_name("kidney")


def test_names_and_colours_are_no_part_of_the_structure():
    table = LabelTable.of_names({"a": 1, "b": 2}, ignore=3)
    renamed = LabelTable.of_names({"x": 1, "y": 2}, ignore=3)
    other = LabelTable.of_names({"a": 1, "b": 4}, ignore=3)

    assert table.structure() == renamed.structure()
    assert table.structure() != other.structure()


@pytest.mark.parametrize("name", ["Kidney, LEFT", "kidney-left", "KIDNEY_LEFT", "Kidney (left)"])
def test_names_are_alike_whatever_their_case_and_punctuation(name):
    table = LabelTable.of_names({"liver": 1, "kidney_left": 2, "Left kidney": 3})

    assert plain_name(name) == "kidney left"
    assert table.like(name).id == 2


def test_the_very_name_is_better_and_two_alike_are_none():
    table = LabelTable.of_names({"Niere": 1, "NIERE": 2, "Größe": 3})

    assert table.like("NIERE").id == 2
    assert table.like("niere") is None
    assert table.like("GRÖSSE").id == 3
    assert table.like("spleen") is None
