"""The program of the child process: questions in, answers out, and no word of a library."""

import io
import json

import pytest
from tests.readers.dicom_cases import even, write_stack

from delineate.readers import dicom_worker


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch):
    """This process is the tests' own: it sets itself no alarm and no limit."""
    monkeypatch.setattr(dicom_worker, "_alarm", lambda seconds: None)
    monkeypatch.setattr(dicom_worker, "_limit", lambda num_bytes: None)


def told(*questions):
    answers = io.StringIO()
    text = "".join(json.dumps({"memory": 0, **question}) + "\n" for question in questions)
    dicom_worker.serve(io.StringIO(text), answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_each_file_is_announced_before_it_is_touched(tmp_path):
    write_stack(tmp_path, even(2))
    items = [[str(path), ""] for path in sorted(tmp_path.iterdir())]

    answers = told({"op": "headers", "items": items})

    assert [next(iter(answer)) for answer in answers] == ["at", "header", "at", "header", "done"]


def test_a_failure_is_an_answer_and_the_next_question_is_heard(tmp_path):
    question = {"op": "pixels", "target": str(tmp_path / "absent"), "dtype": "int16"}

    answers = told({**question, "shape": [1, 2, 2], "items": []}, {"op": "headers", "items": []})

    assert answers == [{"failed": "No such file or directory"}, {"done": True}]


def test_a_digest_that_cannot_be_taken_is_empty():
    item = {"path": "absent.dcm", "member": "", "frame": 0}

    answers = told({"op": "digests", "items": [item]})

    assert answers[1]["digest"] == ""
