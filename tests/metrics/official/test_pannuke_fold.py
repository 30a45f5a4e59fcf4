import numpy as np
import pytest

from delineate.core.errors import ShapeError
from delineate.metrics.official import pannuke_fold
from delineate.metrics.official.pannuke import PanNuke
from delineate.metrics.official.pannuke_fold import score_fold


@pytest.fixture
def fold(tmp_path):
    rng = np.random.default_rng(0)
    truth = np.kron(rng.integers(0, 4, (7, 4, 4, 6)), np.ones((1, 4, 4, 1)))
    prediction = np.roll(truth, 1, axis=1).astype(np.uint8)
    tissues = np.array(["Breast", "Colon", "Breast", "Head & Neck", "Colon", "Breast", "Skin"])
    arrays = (("prediction", prediction), ("masks", truth), ("types", tissues))
    for name, array in arrays:
        np.save(tmp_path / f"{name}.npy", array)
    return tmp_path


@pytest.mark.parametrize("workers", [1, 2])
def test_files_score_as_their_images_do(fold, workers, monkeypatch):
    paths = [fold / f"{name}.npy" for name in ("prediction", "masks", "types")]
    scorer = PanNuke("strict")
    for image in zip(*(np.load(path) for path in paths), strict=True):
        scorer.add(*image)
    monkeypatch.setattr(pannuke_fold, "PART", 2)

    found = score_fold(*paths, variant="strict", workers=workers)

    assert found.scores == pytest.approx(scorer.result().scores, nan_ok=True)
    assert found.counts == scorer.result().counts
    assert 0 < found.scores["bpq"] < 1


def test_files_of_two_folds_are_refused(fold):
    with pytest.raises(ShapeError, match="one fold"):
        score_fold(fold / "prediction.npy", fold / "masks.npy", ["Breast"] * 3)
