"""The cost of a step is measured, not guessed."""

from dataclasses import replace

import torch

from delineate.learn.cost import measure_step


def test_larger_patches_take_more_memory(plan):
    cpu = torch.device("cpu")

    _, small = measure_step(plan, cpu)
    seconds, large = measure_step(replace(plan, patch=(16, 16, 16)), cpu)

    assert seconds > 0
    assert 3 < large / small < 10


def test_layers_and_regions_can_be_measured(plan):
    from delineate.core.labels import LabelTable

    nested = replace(plan, labels=LabelTable.of_names({"whole": [1, 2], "core": [2]}))

    assert measure_step(nested, torch.device("cpu"))[1] > 0
