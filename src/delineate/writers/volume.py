"""Volumes for the tools of the field: NIfTI, and seg.nrrd with its table of segments.

Both are compressed at level 1: label maps shrink almost as well as at level 9, ten times
faster. The NRRD header is written here, since pynrrd refuses names beyond ASCII.
"""

import gzip
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Prediction
from delineate.core.files import whole
from delineate.core.formats import Writer
from delineate.core.geometry import Geometry
from delineate.core.image import Image
from delineate.core.labels import Label
from delineate.core.tags import write_tag
from delineate.writers.numbers import AnyArray, label_ids, smallest

ANATOMICAL = "SCT^123037004^Anatomical Structure"


class NiftiWriter(Writer):
    """Writes .nii.gz (or .nii) whose sform and qform are the input's affine.

    Headers hold 32-bit floats, so that positions are exact to 1e-4 mm within a metre of the
    origin. A sheared grid has no qform; its code is then 0 and the sform alone counts. Names
    and colours of the labels go into a comment extension, which other software passes over.
    """

    suffix = ".nii.gz"

    def write(self, prediction: Prediction, path: Path, *, image: Image | None = None) -> None:
        """Write the label ids.

        Args:
            prediction: What to write.
            path: A file that ends in .nii.gz or .nii.
            image: Not used; the mask has its own grid.
        """
        import nibabel as nib

        geometry = prediction.mask.geometry
        data = label_ids(prediction, "NIfTI").T  # (X, Y, Z)
        matrix = _ijk_to_ras(geometry)
        nifti: Any = nib.Nifti1Image(data, matrix)  # type: ignore[no-untyped-call]
        nifti.header.set_xyzt_units("mm" if geometry.is_physical else "unknown")
        nifti.set_qform(matrix, code=1)
        if not np.allclose(nifti.get_qform(), matrix, rtol=1e-5, atol=1e-3):
            nifti.set_qform(None, code=0)
        nifti.set_sform(matrix, code=1)
        tag = write_tag(geometry, prediction.labels).encode("ascii")
        nifti.header.extensions.append(nib.nifti1.Nifti1Extension("comment", tag))
        with whole(path) as draft:
            nib.save(nifti, draft)


class NrrdWriter(Writer):
    """Writes .seg.nrrd as 3D Slicer does: one segment a label, overlapping ones in layers."""

    suffix = ".seg.nrrd"

    def write(self, prediction: Prediction, path: Path, *, image: Image | None = None) -> None:
        """Write the labels, with name, colour and code of each.

        Args:
            prediction: What to write.
            path: A file that ends in .seg.nrrd or .nrrd.
            image: Not used; the mask has its own grid.
        """
        labels = prediction.labels.labels
        geometry = prediction.mask.geometry
        covers_many = any(len(label.ids) > 1 for label in labels)
        has_layers = prediction.mask.num_layers is not None or covers_many
        data = _layers(prediction) if has_layers else label_ids(prediction, "NRRD")
        header = _nrrd_header(geometry, data, has_layers=has_layers)
        for place, label in enumerate(labels):
            header += _segment(place, label, place if has_layers else 0, geometry.shape)
        with whole(path) as draft, draft.open("wb") as stream:
            stream.write("\n".join([*header, "", ""]).encode("utf-8"))
            with gzip.GzipFile("", "wb", compresslevel=1, fileobj=stream, mtime=0) as packed:
                packed.write(np.ascontiguousarray(data).data)


def _ijk_to_ras(geometry: Geometry) -> NDArray[np.float64]:
    """Turn an affine of array order into NIfTI's 4 x 4; a picture lies in the x-y plane."""
    if geometry.dims == 3:
        return geometry.affine[:, [2, 1, 0, 3]].copy()
    matrix = np.eye(4)
    matrix[np.ix_([0, 1, 3], [0, 1, 3])] = geometry.affine[:, [1, 0, 2]]
    return matrix


def _layers(prediction: Prediction) -> AnyArray:
    """Give every label a layer of its own, (*S, L), in which its id stands."""
    labels, mask = prediction.labels, prediction.mask
    ids = smallest(np.array([label.id for label in labels.labels]), prediction.case_id)
    layers = np.zeros((*mask.geometry.shape, len(ids)), dtype=ids.dtype)
    for place, label in enumerate(labels.labels):
        layers[mask.region(label, labels), place] = label.id
    return layers


def _nrrd_header(geometry: Geometry, data: AnyArray, *, has_layers: bool) -> list[str]:
    """List the header's lines; axes run fastest first, so in reverse to the array's."""
    dims = geometry.dims
    signs = (-1, -1, 1) if dims == 3 else (1, 1)  # RAS to LPS; a picture has no patient
    matrix = np.diag([*signs, 1]) @ geometry.affine
    vectors = [_vector(matrix[:dims, axis]) for axis in reversed(range(dims))]
    lead = has_layers
    units = ["space units: " + " ".join(['"mm"'] * dims)] if geometry.is_physical else []
    return [
        "NRRD0005",
        f"type: {data.dtype.name}",
        f"dimension: {data.ndim}",
        "space: left-posterior-superior" if dims == 3 else "space dimension: 2",
        f"sizes: {' '.join(str(size) for size in reversed(data.shape))}",
        f"space directions: {' '.join([*['none'] * lead, *vectors])}",
        f"kinds: {' '.join([*['list'] * lead, *['domain'] * dims])}",
        f"endian: {sys.byteorder}",
        "encoding: gzip",
        *units,
        f"space origin: {_vector(matrix[:dims, dims])}",
        "Segmentation_MasterRepresentation:=Binary labelmap",
        "Segmentation_ContainedRepresentationNames:=Binary labelmap|",
        "Segmentation_ReferenceImageExtentOffset:=0 0 0",
    ]


def _vector(numbers: NDArray[np.float64]) -> str:
    return "(" + ",".join(repr(float(number)) for number in numbers) + ")"


def _segment(place: int, label: Label, layer: int, shape: tuple[int, ...]) -> list[str]:
    """List the lines of one segment, as 3D Slicer writes them."""
    extent = " ".join(f"0 {size - 1}" for size in (*reversed(shape), 1)[:3])
    tags = "Segmentation.Status:completed|"
    if label.concept is not None:
        code = f"{label.concept.scheme}^{label.concept.value}^{label.concept.meaning}"
        tags += f"TerminologyEntry:Delineate~{ANATOMICAL}~{code}~^^~~^^~^^|"
    fields = {
        "ID": f"Segment_{label.id}",
        "Name": " ".join(label.name.split()),
        "NameAutoGenerated": "0",
        "Color": " ".join(f"{part / 255:.6f}" for part in label.colour),
        "ColorAutoGenerated": "0",
        "LabelValue": str(label.id),
        "Layer": str(layer),
        "Extent": extent,
        "Tags": tags,
    }
    return [f"Segment{place}_{key}:={value}" for key, value in fields.items()]
