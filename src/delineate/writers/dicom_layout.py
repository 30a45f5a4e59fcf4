"""The frame of a DICOM SEG: modules by highdicom, references to the true source slices by us.

highdicom is shown one slice for each source slice, one pixel small, so that it lays out positions,
dimensions and descriptions without touching the pixels; the slices' own names follow afterwards.
That way a frame of an enhanced file and a file of its own are the same thing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from delineate.core.codes import Coded, colour_to_cielab
from delineate.core.labels import CodedConcept
from delineate.core.series import OWN_MODEL, Series
from delineate.writers.dicom_identity import (
    FAMILY,
    MANUFACTURER,
    NOTICE,
    PROCESSING,
    SERIES_NUMBERS,
    Identity,
    region_items,
    type_item,
)  # fmt: skip
from delineate.writers.dicom_segments import AnyArray, Segment
from delineate.writers.dicom_source import REQUIRED, Origin

if TYPE_CHECKING:
    from pydicom import Dataset

STAND_IN = "1.2.840.10008.5.1.4.1.1.2"
"""Class that slices have while the frames are laid out."""
PLAIN_SYNTAX, RLE_SYNTAX = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"
EQUIPMENT = ("Manufacturer", "ManufacturerModelName", "SoftwareVersions", "DeviceSerialNumber")
LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")


def lay_out(
    kind: str, presence: AnyArray, segments: Sequence[Segment], series: Series, identity: Identity
) -> tuple["Dataset", list[tuple[int, int]]]:
    """Make a SEG without its pixels.

    Args:
        kind: "BINARY", "FRACTIONAL" or "LABELMAP".
        presence: 1 where a segment has a frame, (slices, segments), uint8; of a LABELMAP all ones
            in one column.
        segments: What is described.
        series: The source.
        identity: Model and UIDs.

    Returns:
        The object with frames of one pixel; and of each frame the number of its segment (1 in a
        LABELMAP) and the place of its source slice.
    """
    import highdicom as hd

    origin = Origin.of(series)
    is_map = kind == "LABELMAP"
    array = presence[:, 0] if is_map else presence[:, None, None, :]
    dataset: Dataset = hd.seg.Segmentation(
        source_images=_stand_ins(series),
        pixel_array=array[:, None, None] if is_map else array,
        segmentation_type=kind,
        segment_descriptions=[_described(part, identity, origin) for part in segments],
        transfer_syntax_uid=PLAIN_SYNTAX if kind == "BINARY" else RLE_SYNTAX,
        omit_empty_frames=bool(presence.any()) and not is_map,
        content_label="DELINEATE",
        content_description=origin.text(f"AI segmentation - {NOTICE}"),
        contributing_equipment=[processing_equipment(identity)],
        specific_character_set=None,
        **_named(identity, kind),
    )
    dataset.SeriesDescription = identity.describe("AI organs")
    for item, part in zip(dataset.SegmentSequence[-len(segments) :], segments, strict=True):
        item.SegmentedPropertyTypeCodeSequence = [type_item(part.coded)]
        item.SegmentDescription = f"label {part.label.id}"
        if part.coded.region is not None:
            item.AnatomicRegionSequence = region_items(part.coded)
    frames = _refer(dataset, series)
    organisation = identity.uid(kind, "dimensions")
    dataset.DimensionOrganizationSequence[0].DimensionOrganizationUID = organisation
    for item in dataset.DimensionIndexSequence:
        item.DimensionOrganizationUID = organisation
    dataset.Rows, dataset.Columns = series.slices[0].rows, series.slices[0].columns
    origin.stamp(dataset)
    origin.stamp_body(dataset)
    return dataset, frames


def processing_equipment(identity: Identity) -> Any:  # noqa: ANN401 - an item of highdicom
    """Name the model as the equipment that made the object.

    Args:
        identity: The model.

    Returns:
        An item of the Contributing Equipment Sequence.
    """
    import highdicom as hd

    return hd.ContributingEquipment(
        manufacturer=MANUFACTURER,
        purpose_of_reference=concept(PROCESSING),
        manufacturer_model_name=f"{OWN_MODEL} {identity.model}"[:64],
        software_versions=identity.release,
        device_serial_number=identity.serial,
        contribution_description=f"Segmentation by a neural network - {NOTICE}",
    )


def concept(code: CodedConcept) -> Any:  # noqa: ANN401 - a concept of highdicom
    """Turn a code into highdicom's class.

    Args:
        code: The code.

    Returns:
        A `highdicom.sr.CodedConcept`.
    """
    import highdicom as hd

    return hd.sr.CodedConcept(code.value, code.scheme, code.meaning[:64])


def algorithm(identity: Identity) -> Any:  # noqa: ANN401 - a sequence of highdicom
    """Identify the model, with the hash of its weights.

    Args:
        identity: The model.

    Returns:
        An Algorithm Identification Sequence.
    """
    import highdicom as hd

    return hd.AlgorithmIdentificationSequence(
        name=identity.model,
        family=concept(FAMILY),
        version=identity.release,
        source=OWN_MODEL,
        parameters=dict(identity.parameters),
    )


def _named(identity: Identity, kind: str) -> dict[str, Any]:
    return {
        "series_instance_uid": identity.uid(kind, "series"),
        "sop_instance_uid": identity.uid(kind, "instance"),
        "instance_number": 1,
        "series_number": SERIES_NUMBERS[kind],
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": OWN_MODEL,
        "software_versions": identity.release,
        "device_serial_number": identity.serial,
    }


def _described(part: Segment, identity: Identity, origin: Origin) -> Any:  # noqa: ANN401
    import highdicom as hd

    coded: Coded = part.coded
    described = hd.seg.SegmentDescription(
        segment_number=part.number,
        segment_label=origin.text(part.label.name),
        segmented_property_category=concept(coded.category),
        segmented_property_type=concept(coded.type),
        algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm(identity),
        tracking_uid=identity.tracking(part.label.name),
        tracking_id=origin.text(part.label.name),
    )
    described.RecommendedDisplayCIELabValue = list(colour_to_cielab(coded.colour))
    return described


def _stand_ins(series: Series) -> list["Dataset"]:
    """Make a slice of one pixel for each source slice, where that lies."""
    from pydicom import Dataset
    from pydicom.valuerep import DSfloat

    header = series.header(series.slices[0])
    found = []
    for place, entry in enumerate(series.slices):
        item = Dataset()
        item.SOPClassUID, item.SOPInstanceUID = STAND_IN, _stand_in_uid(place)
        item.StudyInstanceUID, item.SeriesInstanceUID = series.study_uid, series.series_uid
        item.FrameOfReferenceUID = series.frame_of_reference_uid
        item.PositionReferenceIndicator = ""
        item.Modality = series.modality or "OT"
        item.Rows = item.Columns = 1
        item.ImagePositionPatient = [DSfloat(v, auto_format=True) for v in entry.position_mm]
        item.ImageOrientationPatient = [DSfloat(v, auto_format=True) for v in entry.orientation]
        item.PixelSpacing = [DSfloat(v, auto_format=True) for v in entry.spacing_mm]
        thickness = header.get("SliceThickness") or series.regular.spacing_mm[0]
        item.SliceThickness = DSfloat(float(thickness), auto_format=True)
        for keyword in REQUIRED:
            setattr(item, keyword, "")
        for keyword in (*EQUIPMENT, *LOSSY):
            if header.get(keyword) and str(header.get(keyword)).isascii():
                setattr(item, keyword, header.get(keyword))
        found.append(item)
    return found


def _stand_in_uid(place: int) -> str:
    return f"2.25.{place + 1}"


def _refer(dataset: "Dataset", series: Series) -> list[tuple[int, int]]:
    """Put the true instances where the stand-ins are named; returns whose each frame is."""
    from pydicom import Dataset

    places = {_stand_in_uid(place): place for place in range(len(series.slices))}
    rows, items = [], {}
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        items[id(source)] = (source, places[str(source.ReferencedSOPInstanceUID)])
        told = frame if "SegmentIdentificationSequence" in frame else shared
        number = 1
        if "SegmentIdentificationSequence" in told:
            number = int(told.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        rows.append((number, items[id(source)][1]))
    for source, place in items.values():
        entry = series.slices[place]
        source.ReferencedSOPClassUID = entry.sop_class_uid
        source.ReferencedSOPInstanceUID = entry.sop_uid
        if entry.frame is not None:
            source.ReferencedFrameNumber = entry.frame
    instances = []
    for uid, class_uid in dict((e.sop_uid, e.sop_class_uid) for e in series.slices).items():
        instance = Dataset()
        instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID = class_uid, uid
        instances.append(instance)
    dataset.SourceImageSequence = instances
    dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence = instances
    return rows
