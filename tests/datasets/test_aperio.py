"""ImageScope's XML: every region read, odd ones counted, attacks refused."""

import numpy as np
import pytest
from tests.datasets.histology import square, xml

from delineate.core.errors import FileError
from delineate.datasets.aperio import (
    CLIPPED,
    COVERED,
    CUTTING,
    OUTSIDE,
    SHORT,
    drawn_objects,
    read_aperio,
    sentence,
)

SHAPE = (40, 60)


def read(*layers, **options):
    return read_aperio(xml(*layers, **options).encode(), "a.xml")


def test_all_layers_and_their_resolution_are_read():
    drawing = read([square(1, 1)], [square(20, 5), square(30.5, 2.25)], mpp="0.2468")

    assert drawing.mpp == 0.2468
    assert len(drawing.polygons) == 3
    assert drawing.polygons[2][0].tolist() == [30.5, 2.25]
    assert drawing.set_aside == {}


@pytest.mark.parametrize("mpp", [None, "", "0", "-1", "nan", "inf", "250", "unknown"])
def test_a_resolution_that_cannot_be_one_is_none(mpp):
    assert read([square(1, 1)], mpp=mpp).mpp is None


def test_the_official_convention_counts_pixels_from_one():
    instances, counts = drawn_objects(read([square(3, 1, side=2)]), SHAPE)

    assert np.argwhere(instances.ids).tolist() == [[0, 2], [0, 3], [1, 2], [1, 3]]
    assert instances.outlines[0].tolist() == [[2, 0], [4, 0], [4, 2], [2, 2]]
    assert counts == {}


def test_odd_outlines_are_counted_and_the_others_keep_their_order():
    bow_tie = [(40, 10), (50, 20), (50, 10), (40, 20)]
    drawing = read(
        [
            [(5, 5), (9, 9)],  # two corners
            square(1, 1),
            square(3, 3, side=4),  # wholly under the one before
            square(90, 90),  # outside
            square(-5, 20),  # cut by the edge
            bow_tie,
        ]
    )

    instances, counts = drawn_objects(drawing, SHAPE)

    assert drawing.set_aside == {SHORT: 1}
    assert counts == {OUTSIDE: 1, COVERED: 1, CLIPPED: 1}
    assert instances.count == len(instances.outlines) == 3
    assert [int(instances.ids[row, column]) for row, column in [(5, 5), (22, 1)]] == [1, 2]
    assert np.bincount(instances.ids.ravel())[1:].tolist() == [100, 40, 50]
    assert instances.outlines[1].min() == -6
    assert sentence(SHORT, 1) == "Outlines with fewer than three corners were left out: 1."


def test_the_first_outline_wins_unless_another_order_is_asked_for():
    drawing = read([square(1, 1), square(6, 1, side=8)])

    contested = {
        order: int(drawn_objects(drawing, SHAPE, order=order)[0].ids[5, 7])
        for order in ("first", "last", "area")
    }

    assert contested == {"first": 1, "last": 2, "area": 2}


def test_regions_that_cut_out_are_left_out_and_counted():
    text = xml([square(1, 1), square(30, 1)]).replace('NegativeROA="0"', 'NegativeROA="1"', 1)

    drawing = read_aperio(text.encode(), "a.xml")

    assert len(drawing.polygons) == 1
    assert drawing.set_aside == {CUTTING: 1}


def test_an_annotation_without_a_region_has_no_object():
    instances, counts = drawn_objects(read([]), SHAPE)

    assert instances.count == 0
    assert instances.outlines == ()
    assert not instances.ids.any()
    assert counts == {}


def test_vertices_outside_a_region_do_not_count():
    text = xml([square(1, 1)]).replace("</Annotations>", '<Vertex X="9" Y="9"/></Annotations>')

    assert len(read_aperio(text.encode(), "a.xml").polygons[0]) == 4


@pytest.mark.parametrize(
    "text",
    [
        xml([square(1, 1)])[:-40],
        "",
        "no xml at all",
        xml([[(1, "left"), (2, 2), (3, 3)]]),
        xml([[(1, "nan"), (2, 2), (3, 3)]]),
        xml([square(1, 1)]).replace('X="', 'A="', 1),
        "<annotation><object/></annotation>",
    ],
)
def test_what_cannot_be_read_is_one_sentence_with_the_file_and_a_mend(text):
    with pytest.raises(FileError, match=r"^a\.xml .* (Download or export|Export the outlines)"):
        read_aperio(text.encode(), "a.xml")


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;">]>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE a SYSTEM "elsewhere.dtd">',
    ],
)
def test_document_types_are_refused(head):
    with pytest.raises(FileError, match="declares a document type"):
        read([square(1, 1)], head=head)


def test_every_annotation_of_the_challenge_is_read(shared_data):
    from delineate.datasets.archive import ZipArchive

    packed = ZipArchive(shared_data / "pathology/monuseg/MoNuSeg 2018 Training Data.zip")

    drawings = {
        name.rsplit("/", 1)[1][:12]: read_aperio(packed.read(name), name)
        for name in packed.names
        if name.endswith(".xml")
    }

    assert len(drawings) == 13
    assert {name for name, drawing in drawings.items() if drawing.mpp is None} == {"TCGA-NH-A8F7"}
    assert {name for name, drawing in drawings.items() if drawing.set_aside} == {
        "TCGA-50-5931", "TCGA-E2-A1B5"
    }  # fmt: skip
    assert sum(len(drawing.polygons) for drawing in drawings.values()) == 4949
