"""Volumes in one file: NIfTI, NRRD and MetaImage, all brought to (C, Z, Y, X) in RAS+ mm.

Each family has its own file, imported when a file of that family is opened, so that the
table of readers stays light.
"""

from pathlib import Path

from delineate.core.formats import Reader
from delineate.core.image import Image, Mask
from delineate.core.labels import LabelTable
from delineate.readers.content import Content


class VolumeReader(Reader):
    """Reads .nii, .nii.gz, .nrrd, .seg.nrrd, .nhdr, .mha and .mhd."""

    suffixes = (".nii.gz", ".nii", ".seg.nrrd", ".nrrd", ".nhdr", ".mha", ".mhd")

    def read_image(self, path: Path) -> Image:
        """Read the header now and the voxels when they are first touched.

        Args:
            path: The file.

        Returns:
            Image of shape (1, Z, Y, X); more channels if the file has a fourth axis.
        """
        return _open(path).image()

    def read_mask(self, path: Path) -> Mask:
        """Read labels.

        Args:
            path: The file.

        Returns:
            Mask of ids (Z, Y, X), or of layers for a seg.nrrd with several layers.
        """
        return _open(path).mask()

    def read_labels(self, path: Path) -> LabelTable | None:
        """Read the classes that the file names.

        Args:
            path: The file.

        Returns:
            The table, or None if the file names no classes.
        """
        return _open(path).labels


def _open(path: Path) -> Content:
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        from delineate.readers.nifti import open_nifti

        return open_nifti(path)
    if name.endswith((".nrrd", ".nhdr")):
        from delineate.readers.nrrd import open_nrrd

        return open_nrrd(path)
    from delineate.readers.metaimage import open_metaimage

    return open_metaimage(path)
