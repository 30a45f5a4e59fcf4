import pytest

from delineate.core import errors
from delineate.core.errors import DelineateError, UnknownNameError, pick


def test_every_error_is_caught_as_the_one_that_a_user_can_mend():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]

    family = [kind for kind in kinds if issubclass(kind, Exception)]

    assert len(family) >= 8
    assert all(issubclass(kind, DelineateError) for kind in family)


def test_a_known_name_gives_its_row():
    table = {"unet": 1, "segformer": 2}

    row = pick(table, "segformer", what="model")

    assert row == 2


def test_an_unknown_name_is_answered_with_the_nearest_and_the_list():
    table = {"unet": 1, "segformer": 2}

    with pytest.raises(UnknownNameError) as caught:
        pick(table, "unett", what="model")

    assert str(caught.value) == (
        "There is no model named 'unett'. Did you mean 'unet'? Choose one of: segformer, unet."
    )


def test_an_empty_table_says_that_it_is_empty():
    with pytest.raises(UnknownNameError, match="Choose one of: none"):
        pick({}, "hippocampus", what="shipped model")
