"""The files of a project are words of facts and plans; the scripts are tried in test_init."""

import ast
from string import Template

import pytest

from delineate.project import TEMPLATES, said


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((3.0, 1.5, 1.5), "3 x 1.5 x 1.5"),
        (({"kind": "zscore"}, {"kind": "zscore"}), "kind zscore, for each of 2 channels"),
        (({"kind": "zscore"}, {"kind": "range", "low": 0}), "kind zscore; kind range, low 0"),
        ({"gamma": [0.8, 1.25], "mirror": []}, "gamma [0.8, 1.25], mirror []"),
        ((), "none"),
        ({}, "none"),
        (True, "yes"),
        (0.00212132, "0.002121"),
        ("dice_ce", "dice_ce"),
    ],
)
def test_values_are_said_as_a_person_would(value, words):
    assert said(value) == words


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.py.txt")), ids=lambda path: path.name)
def test_scripts_are_short_documented_python_that_no_long_line_spoils(path):
    text = path.read_text(encoding="utf-8")
    names = Template(text).get_identifiers()

    tree = ast.parse(Template(text).substitute(dict.fromkeys(names, "None")))

    assert ast.get_docstring(tree)
    assert len(text.splitlines()) <= 60
    assert max(map(len, text.splitlines())) <= 100
