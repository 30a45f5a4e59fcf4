import subprocess
import sys

import pytest

import delineate


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, delineate; "
        "heavy = {'torch', 'numpy', 'nibabel', 'scipy', 'matplotlib'} & set(sys.modules); "
        "raise SystemExit(', '.join(sorted(heavy)) or 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", delineate.__all__)
def test_every_public_name_is_there(name):
    value = getattr(delineate, name)

    assert value is getattr(delineate, name)
    assert name in dir(delineate)


def test_the_public_face_is_small():
    assert len(delineate.__all__) <= 40
    assert len(set(delineate.__all__)) == len(delineate.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'segment'"):
        _ = delineate.segment


def test_a_model_is_loaded_by_the_package_itself():
    with pytest.raises(delineate.DelineateError, match="no shipped model named"):
        delineate.load("no such model")
