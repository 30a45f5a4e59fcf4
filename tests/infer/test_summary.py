import numpy as np

from delineate.infer.decoders import Maps
from delineate.infer.summary import sum_up


def test_pixels_that_no_object_owns_count_for_none():
    foreground = np.array([[0.9, 0.5, 0.7]], np.float32)
    maps = Maps(foreground=foreground, vectors=np.zeros((2, 1, 3), np.float32))

    found = sum_up(maps, np.array([[0, 2]]), np.arange(3), np.array([1, 0, 1]))

    assert found.ids.tolist() == [[1, 0, 1]]
    np.testing.assert_allclose(found.confidence, [0.8])


def test_means_do_not_depend_on_what_else_there_is():
    rng = np.random.default_rng(0)
    values = rng.random((1, 4000)).astype(np.float32)
    vectors = np.zeros((2, 1, 4000), np.float32)
    owners = np.repeat([1, 2, 0, 2], 1000)

    whole = sum_up(
        Maps(foreground=values, vectors=vectors), np.zeros((2, 2)), np.arange(4000), owners
    )
    part = values[:, 1000:]
    alone = Maps(foreground=part, vectors=vectors[:, :, 1000:])
    second = sum_up(alone, np.zeros((1, 2)), np.arange(3000), owners[1000:] // 2)

    assert whole.confidence[1] == second.confidence[0]
