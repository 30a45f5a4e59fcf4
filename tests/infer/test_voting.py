import numpy as np
import pytest
from scipy import ndimage

from delineate.core.errors import PlanError
from delineate.infer.decoders import Maps, make_decoder
from delineate.infer.voting import Voting

BLOCK = (slice(100, 160), slice(90, 150))


def as_networks_do(maps: Maps, *, noise_px: float, seed: int = 0) -> Maps:
    """Offsets a fifth too short, blurred over borders, with smooth noise."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.standard_normal(maps.vectors.shape), (0, 3, 3))
    vectors = 0.8 * maps.vectors + noise_px * noise / noise.std()
    soft = ndimage.gaussian_filter(vectors, (0, 1, 1)).astype(np.float32)
    foreground = ndimage.gaussian_filter(maps.foreground, 1).astype(np.float32)
    return Maps(foreground=foreground, vectors=soft, types=maps.types)


def test_true_maps_of_touching_nuclei_give_them_back(make_nuclei, true_maps, quality):
    ids = make_nuclei(0, (256, 256), 45)

    found = make_decoder("voting").decode(true_maps(ids))

    assert len(found.centres) == 45
    assert quality(ids, found.ids) > 0.99


@pytest.mark.parametrize(("noise_px", "least"), [(1.0, 0.93), (2.0, 0.9)])
def test_short_and_noisy_offsets_are_borne(make_nuclei, true_maps, quality, noise_px, least):
    ids = make_nuclei(1, (256, 256), 45)
    maps = as_networks_do(true_maps(ids), noise_px=noise_px)

    found = Voting().decode(maps)

    assert abs(len(found.centres) - 45) <= 2
    assert quality(ids, found.ids) > least


def test_objects_are_numbered_by_their_centres_and_none_shares_one(make_nuclei, true_maps):
    maps = as_networks_do(true_maps(make_nuclei(2, (200, 180), 30)), noise_px=2.0)

    found = Voting().decode(maps)

    places = [tuple(place) for place in found.centres.tolist()]
    assert places == sorted(set(places))
    assert set(np.unique(found.ids)) == set(range(len(places) + 1))


@pytest.mark.parametrize("amplitude_px", [5, 20, 60])
def test_a_fold_changes_nothing_but_what_it_touches(make_nuclei, true_maps, amplitude_px):
    ids = make_nuclei(3, (256, 256), 45)
    maps = true_maps(ids)
    wave = np.where(np.arange(60) // 6 % 2, amplitude_px, -amplitude_px)
    before = Voting().decode(maps).ids
    maps.foreground[BLOCK] = 1
    maps.vectors[0][BLOCK] = wave[:, None]
    maps.vectors[1][BLOCK] = wave

    after = Voting().decode(maps).ids

    outside = ~np.isin(ids, np.unique(ids[BLOCK])) & (ids > 0)
    outside[BLOCK] = False
    pairs = np.unique(np.stack([before[outside], after[outside]]), axis=1)
    assert pairs.shape[1] > 25
    for side in pairs:  # one to one, and none lost
        assert len(np.unique(side)) == pairs.shape[1]
        assert side.min() > 0


def test_types_and_confidence_are_means_over_the_object():
    foreground = np.zeros((30, 30), np.float32)
    foreground[5:15, 5:15] = 0.6
    foreground[5:10, 5:15] = 0.8
    y, x = np.mgrid[:30, :30]
    vectors = np.stack([10 - y, 10 - x]).astype(np.float32)
    types = np.full((3, 30, 30), 0.1, np.float32)
    types[2] = 0.8

    found = Voting().decode(Maps(foreground=foreground, vectors=vectors, types=types))

    assert found.centres.tolist() == [[10, 10]]
    assert found.confidence == pytest.approx([0.7])
    assert found.types.tolist() == [3]
    assert found.type_probability == pytest.approx([0.8])


def test_without_types_there_is_one_that_is_sure(make_nuclei, true_maps):
    maps = true_maps(make_nuclei(4, (100, 100), 8))

    found = Voting().decode(Maps(foreground=maps.foreground, vectors=maps.vectors))

    assert found.types.tolist() == [1] * 8
    assert found.type_probability.tolist() == [1.0] * 8


def test_small_objects_are_dropped(make_nuclei, true_maps):
    ids = make_nuclei(5, (120, 120), 10)
    areas = np.bincount(ids.ravel())[1:]

    found = Voting(min_area=int(np.median(areas)) + 1).decode(true_maps(ids))

    assert 0 < len(found.centres) <= 5


def test_objects_of_little_confidence_are_dropped_and_the_rest_stay_as_they_were(
    make_nuclei, true_maps
):
    ids = make_nuclei(5, (160, 160), 12)
    maps = true_maps(ids)
    doubt = np.linspace(0.55, 1.0, int(ids.max()) + 1)[ids].astype(np.float32)
    soft = Maps(foreground=maps.foreground * doubt, vectors=maps.vectors)

    every, sure = Voting().decode(soft), Voting(min_confidence=0.8).decode(soft)

    stays = every.confidence >= 0.8
    assert 0 < stays.sum() < len(stays)
    assert sure.centres.tolist() == every.centres[stays].tolist()
    assert sure.confidence.tolist() == every.confidence[stays].tolist()
    assert np.unique(sure.ids).tolist() == list(range(stays.sum() + 1))
    assert ((sure.ids > 0) == np.isin(every.ids, np.flatnonzero(stays) + 1)).all()


def test_the_usual_reach_fits_beside_a_tile():
    assert Voting().reach == 40 + 8 + 4 + 9 * 3
    assert Voting(steps=1, max_offset=20, blur=0, radius=1, hops=1).reach == 22


@pytest.mark.parametrize(
    ("option", "words"),
    [({"hops": 6}, "power of two, not 6"), ({"radius": 0}, "radius must be a whole number from 1")],
)
def test_settings_out_of_range_are_refused(option, words):
    with pytest.raises(PlanError, match=words):
        make_decoder("voting", **option)


def test_an_unknown_setting_is_refused_with_its_name():
    with pytest.raises(PlanError, match="sigma"):
        make_decoder("voting", sigma=2)
