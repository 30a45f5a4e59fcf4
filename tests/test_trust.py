"""What probabilities beside predictions are worth."""

import numpy as np
import pytest
from PIL import Image

from delineate.trust import measure_trust, said_trust
from delineate.truth import find_truth


def chances_of(mask, share):
    """Say the truth with a given probability everywhere."""
    inside = np.where(mask > 0, share, 1 - share)
    return np.stack([1 - inside, inside]).astype(np.float16)


@pytest.fixture
def made(tmp_path):
    mask = np.zeros((20, 20), np.uint8)
    mask[5:15, 6:14] = 1
    for side in ("truth", "said"):
        (tmp_path / side).mkdir()
        for name in "ab":
            Image.fromarray(mask).save(tmp_path / side / f"{name}.png")
    for name, share in (("a", 1.0), ("b", 0.75)):
        path = tmp_path / "said" / f"{name}_probabilities.npz"
        np.savez_compressed(path, probabilities=chances_of(mask, share))
    files = {name: tmp_path / "said" / f"{name}.png" for name in "ab"}
    return find_truth(tmp_path / "truth"), files


def test_one_case_that_is_sure_and_right_and_one_that_doubts(made):
    trust = measure_trust(*made)

    facts = trust.to_dict()
    # Half of the voxels say 0.75 and are all right: a gap of 0.25 in half of them.
    assert facts["num_cases"] == 2
    assert facts["ece"] == pytest.approx(0.125, abs=1e-6)
    assert facts["brier"] == pytest.approx(0.5 * 2 * 0.25**2, abs=1e-6)
    assert facts["error_auroc"] is None  # without an error there is nothing to find
    foretold = 2 * 0.75 * 80 / (80 + 0.75 * 80 + 0.25 * 320)
    said = facts["classes"][made[0].labels.names[0]]["dice_forecast_error"]
    assert said == pytest.approx((1 - foretold) / 2, abs=1e-3)


def test_the_page_has_curves_and_the_terminal_a_sentence(made):
    trust = measure_trust(*made)

    assert trust.to_html().count("<img") == 2
    assert said_trust([("m", trust)])[0].startswith("m: Probabilities of 2 cases: ECE 0.1250")


def test_cases_without_probabilities_are_left_out_and_damaged_ones_named(made):
    truth, files = made
    files["a"].with_name("a_probabilities.npz").unlink()
    assert measure_trust(truth, files).num_cases == 1

    files["a"].with_name("a_probabilities.npz").write_bytes(b"nothing")
    trust = measure_trust(truth, files)

    assert trust.num_cases == 1
    assert "could not be used: a (" in trust.notes[0]


def test_without_any_there_is_nothing_to_tell(made):
    truth, files = made
    for path in files.values():
        path.with_name(f"{path.stem}_probabilities.npz").unlink()

    assert measure_trust(truth, files) is None
