"""A small CT, a small model of it, and archives to exchange them with."""

from contextlib import closing

import pytest

from archives import running_orthanc, secret_file
from delineate.exchange.address import parse_address
from delineate.exchange.credentials import read_credentials
from delineate.exchange.dicomweb import DicomWeb
from delineate.exchange.outgoing import find_outgoing
from delineate.exchange.persistence import Persistence
from delineate.exchange.web import Web
from delineate.steps.predict import PredictSettings, predict
from made_runs import make_ct_run
from scans import make_scan

STUDY = "1.2.3.1"


@pytest.fixture(scope="session")
def ct(tmp_path_factory):
    """Folder of a CT of ten slices; treat it as read-only."""
    return make_scan(tmp_path_factory.mktemp("archive") / "ct", shape=(10, 64, 64)).folder


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A run folder whose small network has random weights, for CT."""
    folder = tmp_path_factory.mktemp("archive_run") / "run"
    return make_ct_run(folder, spacing_mm=(3.0, 4.0, 3.0))


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory):
    """Orthanc as it comes."""
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as archive:
        yield archive


@pytest.fixture(scope="session")
def open_orthanc(tmp_path_factory):
    """Orthanc that takes classes which it does not know."""
    folder = tmp_path_factory.mktemp("open_orthanc")
    with running_orthanc(folder, UnknownSopClassAccepted=True) as archive:
        yield archive


@pytest.fixture
def archive(orthanc, ct):
    """Orthanc with just the CT in it."""
    orthanc.clear()
    orthanc.put(ct)
    return orthanc


@pytest.fixture(scope="session")
def results(ct, run, tmp_path_factory):
    """What a prediction of the CT wrote, as things to be sent, by their kind."""
    asked = PredictSettings(
        inputs=(str(ct),), model=str(run), out=tmp_path_factory.mktemp("results"), device="cpu",
        format="dicom-seg-labelmap,dicom-seg,rtstruct,sr",
    )  # fmt: skip
    files = sorted(predict(asked).folder.glob("*.dcm"))
    return {thing.what: thing for thing in find_outgoing(files)}


@pytest.fixture
def web(archive, secret):
    """The archive with the CT, over DICOMweb."""
    address = parse_address(archive.url, option="--from")
    credentials = read_credentials(secret, [address])[address.place]
    with closing(Web(address, credentials, patience_s=20)) as line:
        yield DicomWeb(line)


@pytest.fixture
def secret(tmp_path):
    """File of the archive's credentials."""
    return secret_file(tmp_path / "secret.json")


@pytest.fixture
def hasty():
    """Persistence that waits a hundredth of a second."""
    return Persistence(attempts=2, first_wait_s=0.01)
