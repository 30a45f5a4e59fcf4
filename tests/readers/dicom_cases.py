"""DICOM series made at run time, with what a scanner sets, whose values say where they lie.

Hounsfield units are a linear function of the place in the patient, so that any reader's answer can
be checked at any voxel, resampled or not.
"""

from io import BytesIO

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from delineate.core.errors import DelineateError
from delineate.readers import read_studies

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
OBLIQUE = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)
FLIPPED = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
SHAPE = (24, 20)
SPACING = (2.0, 1.5)
"""Not square on purpose: rows are 2 mm apart, columns 1.5 mm."""
STEP = 3.0
ORIGIN = (-20.0, -30.0, 10.0)
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"


def hounsfield(points):
    """Value at places in the patient, LPS mm, (..., 3)."""
    return points @ np.array([2.0, 3.0, 5.0])


def plane_points(position, orientation=AXIAL, spacing=SPACING, shape=SHAPE):
    """Places of the pixels of a slice, LPS mm, (rows, columns, 3)."""
    cosines = np.asarray(orientation, dtype=float)
    rows, columns = np.meshgrid(*(np.arange(size) for size in shape), indexing="ij")
    return (
        np.asarray(position, dtype=float)
        + rows[..., None] * spacing[0] * cosines[3:]
        + columns[..., None] * spacing[1] * cosines[:3]
    )


def normal_of(orientation):
    cosines = np.asarray(orientation, dtype=float)
    return np.cross(cosines[:3], cosines[3:])


def place_along(orientation, height, origin=ORIGIN):
    """Position of a slice so far along the normal from the origin."""
    return np.asarray(origin) + height * normal_of(orientation)


def common(modality="CT", **changes):
    """Elements of patient, study, series and equipment, as a scanner sets them."""
    sop_class = CTImageStorage if modality == "CT" else MRImageStorage
    uid = generate_uid()
    elements = {
        "SOPClassUID": sop_class,
        "SOPInstanceUID": uid,
        "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.1",
        "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.2",
        "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.3",
        "PatientName": "Doe^Jane",
        "PatientID": "P-0001",
        "PatientBirthDate": "19500101",
        "PatientSex": "F",
        "StudyID": "1",
        "StudyDate": "20260101",
        "StudyTime": "101500",
        "SeriesDate": "20260101",
        "SeriesTime": "101600",
        "AcquisitionDate": "20260101",
        "ContentDate": "20260101",
        "ContentTime": "101700",
        "AccessionNumber": "A1",
        "ReferringPhysicianName": "",
        "Modality": modality,
        "Manufacturer": "SIEMENS",
        "ManufacturerModelName": "SOMATOM",
        "DeviceSerialNumber": "1",
        "SoftwareVersions": "1",
        "StudyDescription": "Abdomen",
        "SeriesDescription": "Abdomen 3.0",
        "BodyPartExamined": "ABDOMEN",
        "PatientPosition": "HFS",
        "PositionReferenceIndicator": "",
        "SeriesNumber": 2,
        "AcquisitionNumber": 1,
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SliceThickness": STEP,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
    }
    if modality == "CT":
        elements |= {"KVP": 120, "RescaleSlope": 1, "RescaleIntercept": -1024, "RescaleType": "HU"}
        elements |= {"ConvolutionKernel": "B30f", "GantryDetectorTilt": 0}
    elements.update(changes)
    return elements


def dataset_of(elements, pixels, path="x"):
    """A dataset with a file's head; None removes an element."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = elements["SOPClassUID"]
    meta.MediaStorageSOPInstanceUID = elements["SOPInstanceUID"]
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    for name, value in elements.items():
        if value is not None:
            setattr(dataset, name, value)
    if pixels is not None:
        dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
        dataset["PixelData"].VR = "OW"
    return dataset


def ct_slice(
    position, *, orientation=AXIAL, spacing=SPACING, shape=SHAPE, modality="CT", **changes
):
    """One slice whose values follow `hounsfield`; keyword arguments replace elements."""
    points = plane_points(position, orientation, spacing, shape)
    offset = 1024 if modality == "CT" else 500
    stored = np.rint(hounsfield(points) + offset).astype(np.uint16)
    elements = common(
        modality,
        Rows=shape[0],
        Columns=shape[1],
        PixelSpacing=list(spacing),
        ImageOrientationPatient=[float(value) for value in orientation],
        ImagePositionPatient=[round(float(value), 6) for value in position],
    )
    return dataset_of({**elements, **changes}, stored)


def write(dataset, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


def write_stack(
    folder, heights, *, orientation=AXIAL, lean=(0.0, 0.0, 0.0), name="{:03d}", **changes
):
    """Write slices at these heights along the normal; `lean` moves each aside, mm a mm."""
    uids = []
    for place, height in enumerate(heights):
        position = place_along(orientation, height) + height * np.asarray(lean)
        dataset = ct_slice(
            position, orientation=orientation, **{"InstanceNumber": place + 1, **changes}
        )
        write(dataset, folder / (name.format(place) + ".dcm"))
        uids.append(dataset.SOPInstanceUID)
    return uids


def even(count=10, step=STEP):
    return [step * place for place in range(count)]


def enhanced(
    positions, *, modality="CT", orientation=AXIAL, spacing=SPACING, shape=SHAPE, times=(1,)
):
    """One enhanced file with a frame for each position and time, in that nesting."""
    planes = []
    groups = []
    for time in times:
        for place, position in enumerate(positions):
            values = hounsfield(plane_points(position, orientation, spacing, shape))
            planes.append(np.rint(values + 1024 + 10 * (time - 1)).astype(np.uint16))
            groups.append(_frame_group(position, place, time))
    shared = Dataset()
    turned, measures, scale = Dataset(), Dataset(), Dataset()
    turned.ImageOrientationPatient = list(orientation)
    measures.PixelSpacing = list(spacing)
    measures.SliceThickness = STEP
    scale.RescaleSlope, scale.RescaleIntercept, scale.RescaleType = 1, -1024, "HU"
    shared.PlaneOrientationSequence = Sequence([turned])
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PixelValueTransformationSequence = Sequence([scale])
    elements = common(
        modality,
        SOPClassUID=ENHANCED_CT if modality == "CT" else ENHANCED_MR,
        Rows=shape[0],
        Columns=shape[1],
        NumberOfFrames=len(planes),
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(groups),
        RescaleSlope=None,
        RescaleIntercept=None,
        RescaleType=None,
        SliceThickness=None,
    )
    return dataset_of(elements, np.stack(planes))


def _frame_group(position, place, time):
    group, where, content = Dataset(), Dataset(), Dataset()
    where.ImagePositionPatient = [round(float(value), 6) for value in position]
    content.StackID = "1"
    content.InStackPositionNumber = place + 1
    content.TemporalPositionIndex = time
    content.DimensionIndexValues = [1, place + 1, time]
    group.PlanePositionSequence = Sequence([where])
    group.FrameContentSequence = Sequence([content])
    return group


def worst_error(volume, *, last=None):
    """Largest difference in HU between an image's first planes and what lies at their places."""
    grid = volume.image.geometry
    index = np.stack(np.meshgrid(*(np.arange(size) for size in grid.shape), indexing="ij"), axis=-1)
    world = index @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    expected = hounsfield(world * (-1, -1, 1))
    return float(np.abs(volume.image.array[0] - expected)[:last].max())


def mutated(data, rng):
    """Damage a file: flip bytes of its head or its pixels, cut it, or repeat or drop a part."""
    changed = bytearray(data)
    kind = rng.integers(6)
    if kind == 0:
        return bytes(changed[: rng.integers(1, len(changed))])
    if kind == 1:
        start, length = rng.integers(132, len(changed)), rng.integers(1, 64)
        del changed[start : start + length]
        return bytes(changed)
    if kind == 2:
        start, length = rng.integers(132, len(changed)), rng.integers(1, 64)
        changed[start:start] = rng.bytes(length)
        return bytes(changed)
    reach = len(changed) if kind == 3 else min(len(changed), 1500)
    for place in rng.integers(128, reach, size=rng.integers(1, 12)):
        changed[place] = rng.choice([0, 255, rng.integers(256)])
    return bytes(changed)


def seeds_of_mutations():
    """Files of several kinds and encodings to be damaged, as bytes."""
    kinds = []
    for syntax in (None, "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"):
        dataset = ct_slice((0, 0, 0), shape=(64, 48))
        if syntax:
            dataset.compress(pydicom.uid.UID(syntax), generate_instance_uid=False)
        kinds.append(dataset)
    deflated = ct_slice((0, 0, 0))
    deflated.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    kinds += [deflated, enhanced([place_along(AXIAL, height) for height in even(4)])]
    found = []
    for dataset in kinds:
        stream = BytesIO()
        pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
        found.append(stream.getvalue())
    return found


def outcome_of(path):
    """Read one file to its pixels: "read", "named", "counted", or "unnamed", which is a fault."""
    try:
        studies = read_studies(path)
        reports = [volume.report for volume in studies.volumes]
        for volume in studies.accepted:
            assert volume.image.array.shape[1:] == volume.report.shape
        told = [*studies.findings, *(entry for report in reports for entry in report.refusals)]
        if any(finding.files or finding.sop_uids for finding in told):
            return "named"
        if studies.accepted:
            return "read"
        return "counted" if studies.ignored else "unnamed"
    except DelineateError as error:
        return "named" if path.name in str(error) else "unnamed"
