import os
import time

import pytest

from delineate.core import crew
from delineate.core.crew import num_cores, share_out
from delineate.core.errors import BudgetError, DelineateError


def slow(item):
    time.sleep(0.05)
    return item * item, os.getpid()


def fatal(item):
    if item == 3:
        os._exit(1)
    return item


def test_answers_come_in_order_whatever_the_number_of_processes(monkeypatch):
    monkeypatch.setattr(crew, "WORTH_SECONDS", 0.01)

    many = list(share_out(slow, range(9), jobs=2))
    one = list(share_out(slow, range(9), jobs=1))

    assert [answer for answer, _ in many] == [answer for answer, _ in one]
    assert os.getpid() not in {process for _, process in many[crew.TRIALS :]}
    assert {process for _, process in one} == {os.getpid()}


def test_little_work_starts_no_process():
    assert {process for _, process in share_out(slow, range(4), jobs=4)} == {os.getpid()}


def test_no_item_is_no_work():
    assert list(share_out(slow, [])) == []


def test_a_process_that_dies_is_an_error_with_a_mend(monkeypatch):
    monkeypatch.setattr(crew, "WORTH_SECONDS", -1.0)

    with pytest.raises(DelineateError, match="--jobs"):
        list(share_out(fatal, range(6), jobs=2))


def test_items_are_taken_as_they_are_needed(monkeypatch):
    monkeypatch.setattr(crew, "WORTH_SECONDS", 0.01)

    answers = share_out(slow, range(1000), jobs=2)

    assert next(answers)[0] == 0
    assert [next(answers)[0] for _ in range(3)] == [1, 4, 9]
    answers.close()  # what was not asked for is never begun


@pytest.mark.parametrize("jobs", [0, -1])
def test_no_process_at_all_is_refused(jobs):
    with pytest.raises(BudgetError, match="at least 1"):
        list(share_out(slow, range(2), jobs=jobs))


def test_there_is_a_core():
    assert num_cores() >= 1
