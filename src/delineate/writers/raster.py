"""Label pictures: PNG for one plane, multi-page TIFF for a stack.

A volume has no PNG. Asked for one, `PngWriter` writes one picture per slice, NAME_z000.png
and on; whoever wants one file takes TIFF. Grid and label names go into a comment of the file.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.case import Prediction
from delineate.core.errors import LabelError
from delineate.core.files import whole
from delineate.core.formats import Writer
from delineate.core.geometry import Geometry
from delineate.core.image import Image
from delineate.core.instances import Instances
from delineate.core.tags import KEY, write_tag
from delineate.writers.numbers import AnyArray, label_ids

LARGEST_STRIP = 2048
"""An id map with a longer side is stored in tiles, so that viewers read what they show."""


def slice_paths(path: Path, num_slices: int) -> list[Path]:
    """Name the pictures that a volume becomes.

    Args:
        path: The file that was asked for, such as NAME.png.
        num_slices: Length of the volume's first axis.

    Returns:
        NAME_z000.png, NAME_z001.png and so on, beside each other.
    """
    digits = max(3, len(str(num_slices - 1)))
    return [path.with_name(f"{path.stem}_z{z:0{digits}d}{path.suffix}") for z in range(num_slices)]


class PngWriter(Writer):
    """Writes grey PNG whose values are label ids, or ids of objects in 16 bits."""

    suffix = ".png"

    def write(self, prediction: Prediction, path: Path, *, image: Image | None = None) -> None:
        """Write one picture, or one per slice of a volume (see `slice_paths`).

        Args:
            prediction: What to write.
            path: A file that ends in .png.
            image: Not used.

        Raises:
            LabelError: If an id is beyond 16 bits.
        """
        if prediction.instances is not None and prediction.instances.ids.ndim == 2:
            tag = write_tag(prediction.mask.geometry, prediction.labels, prediction.instances)
            _write_png(_ids_of_16_bits(prediction.case_id, prediction.instances), path, tag)
            return
        array = label_ids(prediction, "PNG")
        if array.dtype == np.int32:
            raise LabelError(
                f"{prediction.case_id} has label ids beyond 16 bits, which PNG does not hold. "
                "Write it as tiff."
            )
        geometry = prediction.mask.geometry
        if array.ndim == 2:
            _write_png(array, path, write_tag(geometry, prediction.labels))
            return
        plane = Geometry.of_spacing(
            array.shape[1:], geometry.spacing_mm[1:] if geometry.is_physical else None
        )
        tag = write_tag(plane, prediction.labels)
        for picture, target in zip(array, slice_paths(path, len(array)), strict=True):
            _write_png(picture, target, tag)


class TiffWriter(Writer):
    """Writes deflated TIFF, one page a slice, whose values are the label ids."""

    suffix = ".tif"

    def write(self, prediction: Prediction, path: Path, *, image: Image | None = None) -> None:
        """Write one page, or one per slice of a volume; of objects their ids, in 32 bits.

        Args:
            prediction: What to write.
            path: A file that ends in .tif or .tiff.
            image: Not used.
        """
        import tifffile

        if prediction.instances is not None:
            _write_objects(prediction, prediction.instances, path)
            return
        array = label_ids(prediction, "TIFF")
        tag: str | None = write_tag(prediction.mask.geometry, prediction.labels)
        with whole(path) as draft, tifffile.TiffWriter(draft) as tiff:
            for page in array if array.ndim == 3 else array[None]:
                tiff.write(
                    page,
                    photometric="minisblack",
                    compression="zlib",
                    description=tag,
                    metadata=None,
                    contiguous=False,
                )
                tag = None


def _write_objects(prediction: Prediction, instances: Instances, path: Path) -> None:
    """Write ids, with types and confidence in the comment and the resolution where others look."""
    import tifffile

    geometry = prediction.mask.geometry
    options: dict[str, Any] = {}
    if geometry.is_physical:
        per_cm = [10 / step for step in reversed(geometry.spacing_mm)]  # x before y
        options = {"resolution": per_cm, "resolutionunit": "CENTIMETER"}
    if max(instances.ids.shape) > LARGEST_STRIP:
        options["tile"] = (512, 512)
    with whole(path) as draft, tifffile.TiffWriter(draft) as tiff:
        tiff.write(
            instances.ids.view(np.uint32),
            photometric="minisblack",
            compression="zlib",
            predictor=False,
            description=write_tag(geometry, prediction.labels, instances),
            metadata=None,
            **options,
        )


def _ids_of_16_bits(case_id: str, instances: Instances) -> NDArray[np.uint16]:
    highest = np.iinfo(np.uint16).max
    if instances.count > highest:
        raise LabelError(
            f"{case_id} has {instances.count} objects, and PNG holds {highest}, in 16 bits. "
            "Write it as tiff."
        )
    return instances.ids.astype(np.uint16)


def _write_png(array: AnyArray, path: Path, tag: str) -> None:
    from PIL import Image as Picture
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(KEY, tag)
    with whole(path) as draft:
        Picture.fromarray(np.ascontiguousarray(array)).save(draft, format="PNG", pnginfo=info)
