"""Fixtures for every test: phantoms made at run time, and the shared data where it is there."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from delineate.core.case import Case
from delineate.core.progress import show_with

DATA = Path(os.environ.get("DELINEATE_DATA", Path(__file__).parents[2] / "shared" / "data"))

# A busy machine must not turn a test red, so nothing here is timed; nor must chance, so every
# run tries the same examples. `--hypothesis-profile=searching` looks for new ones.
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("unhurried", max_examples=50, derandomize=True, **UNTIMED)
settings.register_profile("searching", max_examples=500, **UNTIMED)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data; the test is skipped where there is none."""
    if not DATA.is_dir():
        pytest.skip(f"There is no folder {DATA}; set DELINEATE_DATA to run this test.")
    return DATA


@pytest.fixture(scope="session")
def abdomen() -> Case:
    """A small abdominal MR phantom with three organs; treat it as read-only."""
    from delineate.datasets.phantoms import make_abdomen

    return make_abdomen(0, shape=(16, 48, 48))


@pytest.fixture(scope="session")
def tissue_tile() -> Case:
    """A small tile of stained tissue, nuclei of three types; treat it as read-only."""
    from delineate.datasets.tissue import make_tile

    return make_tile(11, shape=(160, 160))


@pytest.fixture(scope="session")
def phantom_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset of phantoms in the nnU-Net layout; treat it as read-only."""
    from delineate.datasets.phantoms import write_dataset

    folder = tmp_path_factory.mktemp("phantoms") / "Dataset001_Phantoms"
    write_dataset(folder, 4, 0)
    return folder


@pytest.fixture(scope="session")
def two_processes() -> list[str]:
    """Arguments of Python that start what follows twice, as `torchrun` would.

    All that they say to each other stays on loopback: the address that a machine's own name
    stands for is not everywhere one that it can reach.
    """
    place = ["--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1"]
    return ["-m", "torch.distributed.run", *place, "--nproc-per-node=2"]


@pytest.fixture(scope="session")
def loopback() -> dict[str, str]:
    """Environment of processes that talk over loopback, one thread each."""
    return {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}


@pytest.fixture(autouse=True)
def _silence():
    """Leave no drawer of progress behind for the next test."""
    yield
    show_with(None)
