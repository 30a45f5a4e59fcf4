import torch

from delineate.infer.wanted import Wanted


def test_only_what_is_asked_for_gets_an_array():
    bare = Wanted().canvas((4, 5), 3, "exclusive", 1.0)
    full = Wanted(probabilities=True, entropy=True, uncertainty="margin").canvas(
        (4, 5), 3, "layers", 2.0
    )

    assert (bare.probabilities, bare.entropy, bare.uncertainty) == (None, None, None)
    assert not bare.is_dense
    assert bare.labels.shape == (4, 5)
    assert full.labels.shape == full.probabilities.shape == (3, 4, 5)
    assert full.entropy.shape == full.uncertainty.shape == (4, 5)
    assert (full.measure, full.temperature) == ("margin", 2.0)


def test_who_listens_is_told_each_slab_and_changes_none():
    seen = []
    slabs = [(0, torch.zeros(2, 1, 3, 3)), (1, torch.ones(2, 2, 3, 3))]
    wanted = Wanted(watch=lambda first, logits: seen.append((first, logits.shape[1])))

    passed = list(wanted.watched(iter(slabs)))

    assert seen == [(0, 1), (1, 2)]
    assert [first for first, _ in passed] == [0, 1]
    assert all(mine[1] is theirs[1] for mine, theirs in zip(passed, slabs, strict=True))
