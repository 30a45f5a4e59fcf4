import inspect
from importlib import import_module

import pytest

from delineate.models import MODELS
from delineate.models.variants import VARIANTS, list_variants


def test_every_row_of_the_table_has_a_variant():
    rows = [row for row, _ in list_variants().values()]

    assert list(dict.fromkeys(rows)) == list(MODELS)


@pytest.mark.parametrize("name", list_variants())
def test_options_of_a_variant_are_arguments_of_its_network(name):
    row, options = list_variants()[name]
    module, kind = MODELS[row].split(":")

    known = inspect.signature(getattr(import_module(module), kind)).parameters

    assert set(options) <= set(known)


@pytest.mark.parametrize("row", ["segformer", "medsegformer"])
def test_every_size_of_a_transformer_is_listed(row):
    sizes = import_module(f"delineate.models.{row}").SIZES

    assert set(VARIANTS[row]) == set(sizes)
