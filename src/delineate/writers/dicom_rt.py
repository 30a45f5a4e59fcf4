"""RTSTRUCT: contours of each organ on its slices' own planes, written on pydicom alone.

Corners follow pixel edges and are put into the patient by the affine of the very slice they lie
on, so that oblique, tilted and unevenly spaced stacks need no special case. Numbers
have four decimals. The encoding is the implicit one, since an element of the explicit one holds at
most 64 kB, which a long contour exceeds.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from delineate.core.case import Prediction
from delineate.core.files import whole
from delineate.core.formats import Writer
from delineate.core.image import Image
from delineate.core.series import OWN_MODEL, Series, SourceSlice
from delineate.writers.contours import FloatArray, closed_outlines
from delineate.writers.dicom_identity import (
    FAMILY,
    MANUFACTURER,
    NOTICE,
    PROCESSING,
    SERIES_NUMBERS,
    Identity,
    code_item,
    type_item,
)
from delineate.writers.dicom_segments import Segment, nothing, segments_of
from delineate.writers.dicom_source import Origin, check_volume, series_of

if TYPE_CHECKING:
    from pydicom import Dataset

log = logging.getLogger("delineate")

STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"
IMPLICIT = "1.2.840.10008.1.2"
STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
"""Retired class of studies, which this module still asks for."""
CONTOUR_DATA = 0x30060050
FEWEST = 3
"""Corners below which a contour encloses nothing, and readers fail."""


class RtStructWriter(Writer):
    """Writes an RT Structure Set of the source series."""

    suffix = ".rtstruct.dcm"

    def write(self, prediction: Prediction, path: Path, *, image: Image | None = None) -> None:
        """Write the contours of what was found.

        Args:
            prediction: What to write; layers may overlap.
            path: The file.
            image: The image that was predicted, from a DICOM series.
        """
        check_volume(prediction, "RTSTRUCT")
        series = series_of(image, prediction.case_id, "RTSTRUCT")
        segments = segments_of(prediction, series) or [nothing(prediction)]
        dataset = structure_set(segments, series, Identity.of(prediction, series))
        with whole(path) as draft:
            dataset.save_as(draft, enforce_file_format=True)


def structure_set(segments: Sequence[Segment], series: Series, identity: Identity) -> "Dataset":
    """Lay out a structure set.

    Args:
        segments: What was found, on the source slices.
        series: The source.
        identity: Model and UIDs.

    Returns:
        The pydicom dataset.
    """
    origin = Origin.of(series)
    dataset = _shell(series, identity, origin)
    dataset.ReferencedFrameOfReferenceSequence = [_referenced(series)]
    dataset.StructureSetROISequence = [_roi(part, series, identity, origin) for part in segments]
    dataset.ROIContourSequence = [_contoured(part, series) for part in segments]
    dataset.RTROIObservationsSequence = [_observed(part, origin) for part in segments]
    origin.stamp(dataset)
    return dataset


def contours_of(part: Segment, series: Series) -> list[tuple[SourceSlice, FloatArray]]:
    """Trace a segment on every slice that it is on.

    Args:
        part: The segment.
        series: The source.

    Returns:
        Slice, and corners in the patient, (V, 3), LPS mm, of each contour; those of fewer than
        three corners are left out.
    """
    row, column = part.box[1].start, part.box[2].start
    found = []
    for place, cut in zip(part.planes, part.crop, strict=True):
        if not cut.any():
            continue
        entry = series.slices[place]
        for outline in closed_outlines(cut):
            if len(outline) < FEWEST:
                log.warning(
                    "A contour of %d corners of %s was left out, since it encloses nothing.",
                    len(outline), part.label.name,
                )  # fmt: skip
                continue
            corners = np.column_stack([outline[:, ::-1] + (row, column), np.ones(len(outline))])
            found.append((entry, (entry.affine @ corners.T)[:3].T))
    return found


def contour_text(corners: FloatArray) -> bytes:
    """Write corners as DICOM's decimal strings.

    Args:
        corners: (V, 3), mm.

    Returns:
        Numbers of four decimals with backslashes between, padded to an even length.
    """
    numbers = (corners + 0.0).ravel().tolist()
    text = ("%.4f\\" * len(numbers))[:-1] % tuple(numbers)
    return (text + " " * (len(text) % 2)).encode("ascii")


def _shell(series: Series, identity: Identity, origin: Origin) -> "Dataset":
    """Make the object without its structures: who, when, by what."""
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    now = datetime.now().astimezone()
    day, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    values = {
        "SOPClassUID": STORAGE, "SOPInstanceUID": identity.uid("RTSTRUCT", "instance"),
        "InstanceCreationDate": day, "InstanceCreationTime": time, "Modality": "RTSTRUCT",
        "SeriesInstanceUID": identity.uid("RTSTRUCT", "series"), "OperatorsName": "",
        "SeriesNumber": SERIES_NUMBERS["RTSTRUCT"], "InstanceNumber": 1,
        "SeriesDescription": identity.describe("AI contours"), "SeriesDate": day,
        "SeriesTime": time, "Manufacturer": MANUFACTURER, "ManufacturerModelName": OWN_MODEL,
        "SoftwareVersions": identity.release, "DeviceSerialNumber": identity.serial,
        "FrameOfReferenceUID": series.frame_of_reference_uid, "PositionReferenceIndicator": "",
        "StructureSetLabel": "DELINEATE", "StructureSetName": origin.text(identity.model),
        "StructureSetDescription": f"Contours by a neural network - {NOTICE}",
        "StructureSetDate": day, "StructureSetTime": time, "ApprovalStatus": "UNAPPROVED",
    }  # fmt: skip
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    equipment = Dataset()
    equipment.Manufacturer = MANUFACTURER
    equipment.ManufacturerModelName = f"{OWN_MODEL} {identity.model}"[:64]
    equipment.SoftwareVersions = identity.release
    equipment.DeviceSerialNumber = identity.serial
    equipment.ContributionDescription = f"Segmentation by a neural network - {NOTICE}"
    equipment.PurposeOfReferenceCodeSequence = [code_item(PROCESSING)]
    dataset.ContributingEquipmentSequence = [equipment]
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(IMPLICIT)
    return dataset


def _referenced(series: Series) -> "Dataset":
    """Name the frame of reference, the study, the series and every image in it."""
    from pydicom import Dataset

    frames: dict[str, list[int]] = {}
    classes = {}
    for entry in series.slices:
        classes[entry.sop_uid] = entry.sop_class_uid
        frames.setdefault(entry.sop_uid, []).extend([] if entry.frame is None else [entry.frame])
    images = []
    for uid, numbers in frames.items():
        image = _instance(classes[uid], uid)
        if numbers:
            image.ReferencedFrameNumber = numbers
        images.append(image)
    of_series = Dataset()
    of_series.SeriesInstanceUID = series.series_uid
    of_series.ContourImageSequence = images
    study = _instance(STUDY_CLASS, series.study_uid)
    study.RTReferencedSeriesSequence = [of_series]
    frame = Dataset()
    frame.FrameOfReferenceUID = series.frame_of_reference_uid
    frame.RTReferencedStudySequence = [study]
    return frame


def _instance(class_uid: str, uid: str) -> "Dataset":
    from pydicom import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = class_uid, uid
    return item


def _roi(part: Segment, series: Series, identity: Identity, origin: Origin) -> "Dataset":
    from pydicom import Dataset

    algorithm = Dataset()
    algorithm.AlgorithmFamilyCodeSequence = [code_item(FAMILY)]
    algorithm.AlgorithmName, algorithm.AlgorithmVersion = identity.model, identity.release
    algorithm.AlgorithmSource = OWN_MODEL
    algorithm.AlgorithmParameters = ",".join(
        f"{name}={value}" for name, value in identity.parameters.items()
    )
    roi = Dataset()
    roi.ROINumber = part.number
    roi.ReferencedFrameOfReferenceUID = series.frame_of_reference_uid
    roi.ROIName = origin.text(part.label.name)
    roi.ROIDescription = f"label {part.label.id}"
    roi.ROIGenerationAlgorithm = "AUTOMATIC"
    roi.ROIGenerationDescription = f"Neural network - {NOTICE}"
    roi.ROIDerivationAlgorithmIdentificationSequence = [algorithm]
    return roi


def _contoured(part: Segment, series: Series) -> "Dataset":
    from pydicom import Dataset
    from pydicom.dataelem import DataElement
    from pydicom.tag import Tag

    item = Dataset()
    item.ReferencedROINumber = part.number
    item.ROIDisplayColor = list(part.coded.colour)
    contours = []
    tag = Tag(CONTOUR_DATA)
    for number, (entry, corners) in enumerate(contours_of(part, series)):
        image = _instance(entry.sop_class_uid, entry.sop_uid)
        if entry.frame is not None:
            image.ReferencedFrameNumber = entry.frame
        contour = Dataset()
        contour.ContourImageSequence = [image]
        contour.ContourGeometricType = "CLOSED_PLANAR"
        contour.NumberOfContourPoints = len(corners)
        contour.ContourNumber = number + 1
        text = contour_text(corners).decode("ascii")
        # One text and not a list of numbers, which pydicom would look at one by one.
        contour[tag] = DataElement(tag, "DS", text, already_converted=True)
        contours.append(contour)
    if contours:
        item.ContourSequence = contours
    return item


def _observed(part: Segment, origin: Origin) -> "Dataset":
    from pydicom import Dataset

    item = Dataset()
    item.ObservationNumber = part.number
    item.ReferencedROINumber = part.number
    item.ROIObservationLabel = origin.text(part.label.name, 16)
    item.RTROIInterpretedType = "ORGAN" if part.coded.region is None else ""
    item.ROIInterpreter = ""
    code = code_item(part.coded.type)
    if part.coded.modifiers:
        code.SegmentedPropertyTypeModifierCodeSequence = type_item(
            part.coded
        ).SegmentedPropertyTypeModifierCodeSequence
    item.RTROIIdentificationCodeSequence = [code]
    return item
