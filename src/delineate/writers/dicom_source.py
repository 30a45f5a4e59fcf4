"""What a written object takes from its source: the series, the patient, the study, the alphabet.

Text of patient and study is copied as bytes, never decoded, so that it survives even where the
source declares a wrong character set or none. What we add ourselves is written in UTF-8 if that
leaves the copied bytes what they are, else without accents.
"""

import unicodedata
from dataclasses import dataclass, field
from typing import Any

from delineate.core.case import Prediction
from delineate.core.encodable import check_encodable
from delineate.core.errors import FileError, GeometryError, LabelError, SeriesError
from delineate.core.image import Image
from delineate.core.series import Series

UTF8 = "ISO_IR 192"
PATIENT = (
    "PatientName", "PatientID", "IssuerOfPatientID", "TypeOfPatientID", "PatientBirthDate",
    "PatientBirthTime", "PatientSex", "QualityControlSubject", "OtherPatientIDsSequence",
    "EthnicGroup", "PatientSpeciesDescription", "PatientIdentityRemoved",
    "DeidentificationMethod", "DeidentificationMethodCodeSequence",
)  # fmt: skip
"""Of the Patient module."""
STUDY = (
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID",
    "AccessionNumber", "IssuerOfAccessionNumberSequence", "StudyDescription",
    "ProcedureCodeSequence", "PatientAge", "PatientSize", "PatientWeight", "AdmissionID",
)  # fmt: skip
"""Of the General Study and Patient Study modules."""
REQUIRED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "ReferringPhysicianName", "StudyID", "AccessionNumber",
)  # fmt: skip
"""Those that must be there, and may be empty."""
BODY = ("BodyPartExamined", "PatientPosition")
"""Of the series: what part it shows."""
TRIAL_START, TRIAL_END = 0x00120010, 0x00120062
"""Elements of the Clinical Trial modules; what follows in the group tells of de-identification."""
TEXTS = frozenset(
    ("LO", "LT", "PN", "SH", "ST", "UC", "UT", "AS", "CS", "DA", "DS", "IS", "TM", "UI")
)


def series_of(image: Image | None, case_id: str, what: str) -> Series:
    """Take the DICOM series that an object would refer to, or say why there can be no object.

    Args:
        image: The image that the prediction was made from.
        case_id: The case, for messages.
        what: What is to be written, for messages.

    Returns:
        The series.

    Raises:
        FileError: If the image is not from DICOM.
        SeriesError: If nothing can refer to it, such as for want of a frame of reference.
    """
    series = None if image is None else image.series
    if series is None:
        raise FileError(
            f"{case_id} comes from no DICOM series, and a {what} must name the patient, the study "
            "and the slices it is of. Choose another --format, or predict from the DICOM folder."
        )
    refusals = check_encodable(series)
    if refusals:
        raise SeriesError(
            f"{case_id}: no {what} can refer to this series. "
            + " ".join(finding.text for finding in refusals)
        )
    return series


@dataclass(frozen=True, kw_only=True, eq=False)
class Origin:
    """Patient, study and alphabet of the source, ready to be put into objects."""

    elements: dict[int, Any] = field(repr=False)
    """Elements by tag, text as raw bytes; they hold names, so they are never shown."""
    is_free: bool
    """Whether our own text may hold any letter, in UTF-8."""
    body: dict[int, Any]
    """Elements that say which part of the body it is."""

    @classmethod
    def of(cls, series: Series) -> "Origin":
        """Read the header of the first slice.

        Args:
            series: The source.

        Returns:
            What is to be copied.
        """
        header = series.header(series.slices[0])
        elements = {
            element.tag: element
            for keyword in (*PATIENT, *STUDY)
            if (element := _taken(header, keyword)) is not None
        }
        known = header.keys()  # going through the elements themselves would decode them
        tags = [tag for tag in known if TRIAL_START <= tag < TRIAL_END]
        elements |= {tag: _taken(header, tag) for tag in tags}
        body = {e.tag: e for word in BODY if (e := _taken(header, word)) is not None}
        charset = _taken(header, "SpecificCharacterSet")
        is_free = all(_is_ascii(entry) for entry in (*elements.values(), *body.values()))
        if not is_free and charset is not None:
            elements[charset.tag] = charset
        is_unicode = header.get("SpecificCharacterSet") == UTF8
        return cls(elements=elements, is_free=is_free or is_unicode, body=body)

    def text(self, words: str, length: int = 64) -> str:
        """Bring our own text into letters that the object's character set has.

        Args:
            words: What to write, such as the name of a label.
            length: Most characters.

        Returns:
            The text, on one line; without accents where it has to be.
        """
        flat = " ".join(words.replace("\\", "/").split())
        if not self.is_free:
            parts = unicodedata.normalize("NFKD", flat)
            bare = "".join(part for part in parts if not unicodedata.combining(part))
            flat = bare.encode("ascii", "replace").decode("ascii")
        return flat[:length].strip()

    def stamp(self, dataset: Any) -> None:  # noqa: ANN401 - a pydicom dataset
        """Put patient, study and character set into an object, over what stands there.

        Args:
            dataset: The object.
        """
        from pydicom.datadict import tag_for_keyword

        for keyword in REQUIRED:
            if keyword not in dataset and tag_for_keyword(keyword) not in self.elements:
                setattr(dataset, keyword, "")
        if "SpecificCharacterSet" in dataset:
            del dataset.SpecificCharacterSet
        for element in self.elements.values():
            dataset[element.tag] = element
        if "SpecificCharacterSet" not in dataset and all(map(_is_ascii, self.elements.values())):
            dataset.SpecificCharacterSet = UTF8

    def stamp_body(self, dataset: Any) -> None:  # noqa: ANN401 - a pydicom dataset
        """Put the part of the body into an image.

        Args:
            dataset: The object.
        """
        for element in self.body.values():
            if element.tag not in dataset:
                dataset[element.tag] = element


def check_volume(prediction: Prediction, what: str) -> None:
    """Refuse a prediction that is no volume of regions.

    Args:
        prediction: What is to be written.
        what: The format, for messages.

    Raises:
        GeometryError: If it is a picture.
        LabelError: If its table has no labels.
    """
    if prediction.mask.geometry.dims != 3:
        raise GeometryError(
            f"{prediction.case_id} is a picture, and a {what} is made of the slices of a scan. "
            "Choose another --format."
        )
    if not prediction.labels.labels:
        raise LabelError(
            f"{prediction.case_id} has no labels, and a {what} must name at least one. "
            "Name them in the plan."
        )


def _taken(header: Any, keyword: Any) -> Any:  # noqa: ANN401 - elements of pydicom
    """Take an element as raw bytes if it is text that nobody looked at, else as it is."""
    from pydicom.datadict import dictionary_VR
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    tag = Tag(keyword)
    if tag not in header:
        return None
    element = header.get_item(tag)
    if not isinstance(element, RawDataElement):
        return element
    kind = dictionary_VR(tag)
    if kind not in TEXTS:
        return header[tag]
    value = element.value or b""
    return element._replace(VR=kind, value=value, length=len(value), is_implicit_VR=False)


def _is_ascii(element: Any) -> bool:  # noqa: ANN401 - an element of pydicom
    """Tell whether an element holds letters only that all character sets share."""
    from pydicom.dataelem import RawDataElement

    if isinstance(element, RawDataElement):
        raw = bytes(element.value or b"")
        return raw.isascii() and b"\x1b" not in raw
    if element.VR == "SQ":
        return all(
            _is_ascii(item.get_item(tag)) for item in element.value for tag in [*item.keys()]
        )
    return str(element.value).isascii()
