"""Predictions into files: one row a format, chosen by name or by ending."""

from pathlib import Path

from delineate.core.case import Prediction
from delineate.core.errors import FileError, pick
from delineate.core.formats import Writer
from delineate.core.image import Image
from delineate.writers.dicom_rt import RtStructWriter
from delineate.writers.dicom_seg import DicomSegWriter
from delineate.writers.dicom_sr import DicomSrWriter
from delineate.writers.geojson import GeojsonWriter
from delineate.writers.overlay import OverlayWriter
from delineate.writers.raster import PngWriter, TiffWriter
from delineate.writers.rle import RleWriter
from delineate.writers.table import CsvWriter, ParquetWriter
from delineate.writers.volume import NiftiWriter, NrrdWriter

WRITERS: dict[str, Writer] = {
    "nifti": NiftiWriter(),
    "nrrd": NrrdWriter(),
    "png": PngWriter(),
    "tiff": TiffWriter(),
    "rle": RleWriter(),
    "overlay": OverlayWriter(),
    "geojson": GeojsonWriter(),
    "csv": CsvWriter(),
    "parquet": ParquetWriter(),
    "dicom-seg": DicomSegWriter("BINARY"),
    "dicom-seg-labelmap": DicomSegWriter("LABELMAP"),
    "dicom-seg-fractional": DicomSegWriter("FRACTIONAL"),
    "rtstruct": RtStructWriter(),
    "sr": DicomSrWriter(),
}

OTHER_ENDINGS = {
    ".nii": "nifti", ".nrrd": "nrrd", ".tiff": "tiff", ".geojson.gz": "geojson", ".json": "geojson",
}  # fmt: skip
"""Endings besides each writer's own `suffix`."""


def write_prediction(
    prediction: Prediction,
    path: str | Path,
    *,
    image: Image | None = None,
    format: str | None = None,
) -> None:
    """Write a prediction to a file, whole or not at all.

    Args:
        prediction: What to write.
        path: The file; its folder is made if absent.
        image: The image it was made from, for overlays and for DICOM.
        format: Row of `WRITERS`; None chooses by the path's ending.

    Raises:
        FileError: If the ending is not one of the format's, or the disk refuses.
    """
    name = format_of(path) if format is None else format
    writer = pick(WRITERS, name, what="format")
    endings = (writer.suffix, *(end for end, row in OTHER_ENDINGS.items() if row == name))
    if not Path(path).name.lower().endswith(endings):
        raise FileError(f"{path} must end in {' or '.join(endings)} to be written as {name}.")
    writer.write(prediction, Path(path), image=image)


def format_of(path: str | Path) -> str:
    """Choose a format by a path's ending.

    Args:
        path: Where to write.

    Returns:
        Row of `WRITERS`; the longest ending that fits wins.

    Raises:
        FileError: If no format has that ending.
    """
    endings = {writer.suffix: name for name, writer in WRITERS.items()} | OTHER_ENDINGS
    lower = Path(path).name.lower()
    for ending in sorted(endings, key=len, reverse=True):
        if lower.endswith(ending):
            return endings[ending]
    known = ", ".join(f"{name} ({writer.suffix})" for name, writer in WRITERS.items())
    raise FileError(f"{path} has an ending that no writer knows. Choose one of: {known}.")
