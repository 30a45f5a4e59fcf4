"""The table of terms: every row is a concept of DICOM's own dictionary."""

import re

import pytest
from pydicom.sr._concepts_dict import concepts

from delineate.core.terms import TERMS


def dictionary():
    """Meanings by code, for all of SNOMED CT that pydicom knows."""
    meanings = {}
    for rows in concepts["SCT"].values():
        for code, (meaning, _) in rows.items():
            meanings.setdefault(code, set()).add(meaning.lower())
    return meanings


KNOWN = dictionary()


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.meaning)
def test_code_and_meaning_are_those_of_the_dictionary(term):
    assert term.meaning.lower() in KNOWN[term.code]


def test_no_code_and_no_name_stands_twice():
    codes = [term.code for term in TERMS]
    names = [name.lower() for term in TERMS for name in term.names]

    assert len(set(codes)) == len(codes)
    assert len(set(names)) == len(names)


def test_a_paired_organ_has_no_side_in_its_meaning():
    sided = re.compile(r"\b(left|right)\b", re.IGNORECASE)

    wrong = [term.meaning for term in TERMS if term.is_paired and sided.search(term.meaning)]

    assert wrong == ["Middle lobe of right lung"]  # there is no other middle lobe


def test_colours_are_bytes():
    assert all(0 <= part <= 255 for term in TERMS for part in term.colour)
