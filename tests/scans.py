"""DICOM scans made at run time: straight, oblique, flipped, gapped, tilted, uneven, multi-frame."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset

from delineate.core.case import Prediction
from delineate.core.geometry import Geometry
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.core.series import Series, SourceSlice

CT, ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"
EXPLICIT = "1.2.840.10008.1.2.1"
STRAIGHT = ((1.0, 0, 0), (0, 1.0, 0))
OBLIQUE = ((0.96, 0.28, 0), (-0.2688, 0.9216, 0.28))
KINDS = ("plain", "oblique", "flipped", "coronal", "gapped", "tilted", "uneven", "multiframe")
LABELS = LabelTable.of_names({"liver": 1, "kidney_left": 2, "small_bowel": 3, "flux capacitor": 4})


@dataclass(frozen=True)
class Scan:
    """A scan on disk, its image, and a prediction of it."""

    folder: Path
    image: Image
    prediction: Prediction

    @property
    def series(self):
        return self.image.series


def make_scan(
    folder, kind="plain", *, shape=(12, 40, 48), ids=None, labels=LABELS, root="1.2.3", **facts
):
    """Write a CT of a kind, and predict blobs with a hole on it; facts overrule the headers."""
    along_row, along_column = axes_of(kind)
    normal = np.cross(along_row, along_column)
    heights = heights_of(kind, shape[0])
    shear = np.array([0, 0.3, 0]) if kind == "tilted" else np.zeros(3)
    start = np.array([-31.25, 17.5, -205.75])
    positions = [start + height * (normal + shear) for height in heights]
    facts = {"StudyInstanceUID": f"{root}.1", "SeriesInstanceUID": f"{root}.2", **facts}
    facts = {"FrameOfReferenceUID": f"{root}.3", "InstanceRoot": f"{root}.4", **facts}
    folder.mkdir(parents=True, exist_ok=True)
    write = write_frames if kind == "multiframe" else write_slices
    slices = write(folder, positions, (*along_row, *along_column), shape[1:], facts)
    grid = grid_of(positions, heights, (along_row, along_column, normal), shape[1:])
    series = Series(
        study_uid=f"{root}.1",
        series_uid=f"{root}.2",
        slices=tuple(slices),
        regular=grid,
        header=lambda entry: read_header(folder, entry),
        frame_of_reference_uid=f"{root}.3",
        modality="CT",
    )
    values = blobs(grid.shape) if ids is None else ids
    image = Image(
        geometry=grid,
        channels=("CT",),
        load=lambda: np.where(values == 0, 0, 40 + 30 * values)[None].astype(np.int16),
        source=str(folder),
        series=series,
    )
    provenance = {"model": "organs", "weights_hash": "abc123", "plan_hash": "def", "flips": [0]}
    prediction = Prediction(
        case_id="case", mask=Mask.of(values, grid), labels=labels, provenance=provenance
    )
    return Scan(folder, image, prediction)


def axes_of(kind):
    if kind == "flipped":
        return np.array([-1.0, 0, 0]), np.array([0, -1.0, 0])
    if kind == "coronal":
        return np.array([1.0, 0, 0]), np.array([0, 0, -1.0])
    row, column = OBLIQUE if kind == "oblique" else STRAIGHT
    return np.array(row), np.array(column)


def heights_of(kind, number):
    steps = np.full(number - 1, 3.0)
    if kind == "gapped":
        steps[number // 2] = 9.0
    if kind == "uneven":
        steps[number // 2 :] = 5.0
    return np.r_[0, np.cumsum(steps)]


def grid_of(positions, heights, axes, size):
    """Lay a regular grid of 2.0 x 1.5 mm over the slices, steps of 3 mm along their normal."""
    along_row, along_column, normal = axes
    lps = np.eye(4)
    lps[:3, 0], lps[:3, 1], lps[:3, 2] = normal * 3.0, along_column * 2.0, along_row * 1.5
    lps[:3, 3] = positions[0]
    last = np.linalg.inv(lps) @ np.r_[positions[-1], 1]
    rows = size[0] + int(np.ceil(last[1] - 1e-6))
    affine = np.diag([-1.0, -1, 1, 1]) @ lps
    return Geometry(shape=(round(heights[-1] / 3) + 1, rows, size[1]), affine=affine)


def blobs(shape):
    """Ellipsoids that nearly touch, the first hollow, the last in two parts."""
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, size) for size in shape], indexing="ij")
    values = np.zeros(shape, np.uint8)
    distance = (x + 0.4) ** 2 / 0.16 + (y + 0.2) ** 2 / 0.2 + z**2 / 0.7
    values[distance < 1] = 1
    values[distance < 0.2] = 0
    values[(x - 0.5) ** 2 / 0.06 + (y - 0.3) ** 2 / 0.1 + (z - 0.2) ** 2 / 0.4 < 1] = 2
    near = (x - 0.5) ** 2 / 0.05 + (y + 0.6) ** 2 / 0.05 < 1
    values[near & (np.abs(z) > 0.45) & (np.abs(z) < 0.9)] = 3
    return values


def write_slices(folder, positions, orientation, size, facts):
    found = []
    for place, position in enumerate(positions):
        dataset = common(size, facts)
        dataset.SOPClassUID = CT
        dataset.SOPInstanceUID = f"{facts['InstanceRoot']}.{place + 1}"
        dataset.InstanceNumber = place + 1
        dataset.ImageOrientationPatient = [round(float(value), 12) for value in orientation]
        dataset.ImagePositionPatient = [round(float(value), 10) for value in position]
        dataset.PixelSpacing, dataset.SliceThickness = [2.0, 1.5], 3.0
        dataset.RescaleIntercept, dataset.RescaleSlope, dataset.KVP = -1024, 1, 120
        dataset.AcquisitionNumber = 1
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.PixelData = noise(size, place)
        dataset.save_as(folder / f"{place:03}.dcm", enforce_file_format=True)
        found.append(slice_at(dataset.SOPInstanceUID, CT, position, orientation, size))
    return found


def write_frames(folder, positions, orientation, size, facts):
    dataset = common(size, facts)
    dataset.SOPClassUID = ENHANCED_CT
    dataset.SOPInstanceUID = f"{facts['InstanceRoot']}.1"
    dataset.InstanceNumber, dataset.NumberOfFrames = 1, len(positions)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    plane, pixel = Dataset(), Dataset()
    plane.ImageOrientationPatient = list(orientation)
    pixel.PixelSpacing, pixel.SliceThickness = [2.0, 1.5], 3.0
    shared = Dataset()
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [plane], [pixel]
    dataset.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for position in positions:
        place, group = Dataset(), Dataset()
        place.ImagePositionPatient = list(position)
        group.PlanePositionSequence = [place]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = groups
    dataset.PixelData = noise((len(positions), *size), 0)
    dataset.save_as(folder / "all.dcm", enforce_file_format=True)
    return [
        slice_at(dataset.SOPInstanceUID, ENHANCED_CT, position, orientation, size, frame=place + 1)
        for place, position in enumerate(positions)
    ]


def noise(size, seed):
    values = np.random.default_rng(seed).integers(900, 1200, size)
    return values.astype(np.int16).tobytes()


def slice_at(uid, class_uid, position, orientation, size, frame=None):
    return SourceSlice(
        sop_uid=uid,
        sop_class_uid=class_uid,
        position_mm=tuple(float(value) for value in position),
        orientation=tuple(float(value) for value in orientation),
        spacing_mm=(2.0, 1.5),
        rows=size[0],
        columns=size[1],
        frame=frame,
    )


def common(size, facts):
    """Header that all slices share: a made-up patient and what a scanner sets."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = EXPLICIT
    values = {
        "PatientName": "Phantom^Anna", "PatientID": "P1", "PatientBirthDate": "19700101",
        "PatientSex": "F", "StudyInstanceUID": "1.2.3.1", "SeriesInstanceUID": "1.2.3.2",
        "FrameOfReferenceUID": "1.2.3.3", "PositionReferenceIndicator": "",
        "StudyDate": "20260102", "StudyTime": "101112", "AccessionNumber": "A77",
        "ReferringPhysicianName": "", "StudyID": "S1", "SeriesNumber": 2, "Modality": "CT",
        "Manufacturer": "Maker", "ManufacturerModelName": "Scanner", "BodyPartExamined": "ABDOMEN",
        "PatientPosition": "HFS", "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2",
        "Rows": size[0], "Columns": size[1], "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15,
        "PixelRepresentation": 1, "StudyDescription": "Abdomen", "PatientAge": "055Y",
        "PatientWeight": "61.5",
    }  # fmt: skip
    for keyword, value in (values | facts).items():
        if value is not None and keyword != "InstanceRoot":
            setattr(dataset, keyword, value)
    return dataset


def read_header(folder, entry):
    name = (
        "all.dcm" if entry.frame is not None else f"{int(entry.sop_uid.split('.')[-1]) - 1:03}.dcm"
    )
    return dcmread(folder / name, stop_before_pixels=True)
