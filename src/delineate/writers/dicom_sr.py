"""DICOM SR, TID 1500: the volume of every organ, tied to its segment, and how sure the model was.

The report refers to a SEG that lies beside it, since a measurement without its region cannot be
checked; both have their UIDs from the same hash, so it is known without asking which one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from delineate.core.case import Prediction
from delineate.core.codes import MODIFIERS, SIDES, Coded
from delineate.core.errors import FileError
from delineate.core.files import whole
from delineate.core.formats import Writer
from delineate.core.image import Image
from delineate.core.labels import CodedConcept
from delineate.core.series import OWN_MODEL, Series
from delineate.writers.dicom_identity import (
    FAMILY,
    MANUFACTURER,
    NOTICE,
    SERIES_NUMBERS,
    Identity,
)
from delineate.writers.dicom_layout import concept, processing_equipment
from delineate.writers.dicom_segments import Segment, nothing, segments_of, volume_ml
from delineate.writers.dicom_source import REQUIRED, Origin, check_volume, series_of

if TYPE_CHECKING:
    from pydicom import Dataset

KINDS = {"BINARY": ".seg.dcm", "LABELMAP": ".labelmap.dcm"}
"""Segmentations that a report may refer to, the first that is there."""
SEG_CLASSES = {
    "BINARY": "1.2.840.10008.5.1.4.1.1.66.4", "LABELMAP": "1.2.840.10008.5.1.4.1.1.66.7",
}  # fmt: skip
CERTAINTY = CodedConcept(value="111012", scheme="DCM", meaning="Certainty of Finding")
LEVELS = (
    (0.9, CodedConcept(value="75540009", meaning="High")),
    (0.7, CodedConcept(value="6736007", meaning="Moderate")),
    (0.0, CodedConcept(value="62482003", meaning="Low")),
)
"""Word for the mean probability of an organ's voxels, from the given value on."""
PROCEDURES = {
    "CT": CodedConcept(value="77477000", meaning="Computed tomography"),
}
"""Procedure by modality."""
SIDE_CODES = frozenset(MODIFIERS[word] for word in SIDES)
IMAGING = CodedConcept(value="363679005", meaning="Imaging procedure")
"""Procedure of any other modality."""


class DicomSrWriter(Writer):
    """Writes a Comprehensive 3D SR of measurements, beside the SEG that it refers to."""

    suffix = ".sr.dcm"

    def write(self, prediction: Prediction, path: Path, *, image: Image | None = None) -> None:
        """Write the volumes of what was found.

        Args:
            prediction: What to write; with probabilities the report says how sure it is.
            path: The file; the SEG must lie beside it, with the same name before the ending.
            image: The image that was predicted, from a DICOM series.
        """
        check_volume(prediction, "DICOM SR")
        series = series_of(image, prediction.case_id, "DICOM SR")
        identity = Identity.of(prediction, series)
        kind = _segmentation_beside(path, self.suffix, identity)
        segments = segments_of(prediction, series)
        dataset = _report(prediction, series, identity, kind, segments)
        with whole(path) as draft:
            dataset.save_as(draft, enforce_file_format=True)


def certainty_of(part: Segment, prediction: Prediction) -> float | None:
    """Average the probability of a segment's label over its voxels on the regular grid.

    Args:
        part: The segment.
        prediction: Where it comes from.

    Returns:
        Mean probability in [0, 1]; None if probabilities were not kept.
    """
    given, labels = prediction.probabilities, prediction.labels
    if given is None:
        return None
    inside = prediction.mask.region(part.label, labels)
    layer = given[part.place + len(given) - len(labels.labels)]
    return float(np.mean(layer[inside], dtype=np.float64))


def word_for(certainty: float) -> CodedConcept:
    """Choose the word for a mean probability.

    Args:
        certainty: In [0, 1].

    Returns:
        High from 0.9, moderate from 0.7, else low.
    """
    return next(word for least, word in LEVELS if certainty >= least or least == 0)


def _segmentation_beside(path: Path, suffix: str, identity: Identity) -> str:
    """Find which SEG of this very prediction lies beside the report."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    stem = path.name.removesuffix(suffix)
    for kind, ending in KINDS.items():
        try:
            found = dcmread(path.with_name(stem + ending), specific_tags=["SOPInstanceUID"])
        except (OSError, InvalidDicomError):
            continue
        if found.get("SOPInstanceUID") == identity.uid(kind, "instance"):
            return kind
    raise FileError(
        f"{path} is a report on segments, but no SEG of the same prediction lies beside it. "
        "Write the SEG first, as with --format dicom-seg,sr."
    )


def _report(
    prediction: Prediction,
    series: Series,
    identity: Identity,
    kind: str,
    segments: Sequence[Segment],
) -> "Dataset":
    import highdicom as hd
    from pydicom import Dataset
    from pydicom.sr.codedict import codes

    origin = Origin.of(series)
    measured = segments or [nothing(prediction)]
    groups = [_measured(part, prediction, series, identity, origin, kind) for part in measured]
    report = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=_observer(identity)),
        procedure_reported=concept(PROCEDURES.get(series.modality, IMAGING)),
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    dataset: Dataset = hd.sr.Comprehensive3DSR(
        evidence=_evidence(series, identity, kind),
        content=report,
        series_instance_uid=identity.uid("SR", "series"),
        series_number=SERIES_NUMBERS["SR"],
        sop_instance_uid=identity.uid("SR", "instance"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=False,
        is_verified=False,
        series_description=identity.describe("AI measurements"),
        contributing_equipment=[processing_equipment(identity)],
    )
    dataset.ManufacturerModelName, dataset.SoftwareVersions = OWN_MODEL, identity.release
    dataset.DeviceSerialNumber = identity.serial
    origin.stamp(dataset)
    return dataset


def _observer(identity: Identity) -> Any:  # noqa: ANN401 - a template of highdicom
    """Say that a device looked at the images, and which."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    return hd.sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=identity.uid("device"),
            name=identity.model,
            manufacturer_name=MANUFACTURER,
            model_name=OWN_MODEL,
            serial_number=identity.serial,
        ),
    )


def _measured(
    part: Segment,
    prediction: Prediction,
    series: Series,
    identity: Identity,
    origin: Origin,
    kind: str,
) -> Any:  # noqa: ANN401 - a template of highdicom
    """Make the group of one organ: what, where, how large, how sure."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    coded = part.coded
    certainty = certainty_of(part, prediction)
    answers = []
    if certainty is not None:
        answers = [hd.sr.QualitativeEvaluation(concept(CERTAINTY), concept(word_for(certainty)))]
    volume = round(volume_ml(part, series), 6)
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(
            uid=identity.tracking(part.label.name), identifier=origin.text(part.label.name)
        ),
        referenced_segment=hd.sr.ReferencedSegment(
            sop_class_uid=SEG_CLASSES[kind],
            sop_instance_uid=identity.uid(kind, "instance"),
            segment_number=part.number,
            source_series=hd.sr.SourceSeriesForSegmentation(series.series_uid),
        ),
        finding_category=concept(coded.category),
        finding_type=concept(coded.type),
        finding_sites=[_site(coded)],
        algorithm_id=_algorithm(identity),
        measurements=[
            hd.sr.Measurement(
                name=codes.SCT.Volume, value=volume, unit=hd.sr.CodedConcept("mL", "UCUM", "mL")
            )
        ],
        qualitative_evaluations=answers,
    )


def _algorithm(identity: Identity) -> Any:  # noqa: ANN401 - a template of highdicom
    """Name the model with its parameters, of which readers show the first."""
    import highdicom as hd

    known = [f"{name}={value}" for name, value in identity.parameters.items()]
    return hd.sr.AlgorithmIdentification(
        name=identity.model,
        version=identity.release,
        parameters=[*known, f"family={FAMILY.meaning}", NOTICE],
    )


def _site(coded: Coded) -> Any:  # noqa: ANN401 - a content item of highdicom
    """Say where it is: the region of something abnormal, else the organ itself, with its sides."""
    import highdicom as hd

    modifiers = coded.region_modifiers if coded.region else coded.modifiers
    sides = [entry for entry in modifiers if entry in SIDE_CODES]
    ends = [entry for entry in modifiers if entry not in SIDE_CODES]
    return hd.sr.FindingSite(
        anatomic_location=concept(coded.region or coded.type),
        laterality=concept(sides[0]) if sides else None,
        topographical_modifier=concept(ends[0]) if ends else None,
    )


def _evidence(series: Series, identity: Identity, kind: str) -> list["Dataset"]:
    """List what the report rests on: every source instance and the SEG."""
    from pydicom import Dataset

    items = []
    named = {entry.sop_uid: entry.sop_class_uid for entry in series.slices}
    named[identity.uid(kind, "instance")] = SEG_CLASSES[kind]
    for uid, class_uid in named.items():
        item = Dataset()
        item.SOPInstanceUID, item.SOPClassUID = uid, class_uid
        is_seg = uid == identity.uid(kind, "instance")
        item.StudyInstanceUID = series.study_uid
        item.SeriesInstanceUID = identity.uid(kind, "series") if is_seg else series.series_uid
        for keyword in REQUIRED:
            setattr(item, keyword, "")
        items.append(item)
    return items
