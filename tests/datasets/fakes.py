"""Small files made at run time: volumes as NIfTI, pictures as PNG."""

import nibabel as nib
import numpy as np
from PIL import Image as Picture


def write_volume(path, array, affine=None):
    """Write an array (X, Y, Z) or (X, Y, Z, C) as NIfTI with a known affine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([1.0, 1.0, 2.0, 1.0]) if affine is None else affine
    image = nib.Nifti1Image(array, affine)
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=1)
    nib.save(image, path)


def volume(seed=0, shape=(6, 5, 4)):
    """Make intensities."""
    return np.random.default_rng(seed).normal(100, 10, shape).astype(np.float32)


def labels(*values, shape=(6, 5, 4)):
    """Make a mask that holds the given values, one a voxel."""
    mask = np.zeros(shape, np.uint8)
    mask.flat[: len(values)] = values
    return mask


def write_picture(path, array):
    """Write an array (Y, X) or (Y, X, 3) as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(array).save(path)


def write_decathlon(root, cases=("a", "b", "c"), values=(1, 2)):
    """Write imagesTr and labelsTr of equal names."""
    for place, case in enumerate(cases):
        write_volume(root / "imagesTr" / f"{case}.nii.gz", volume(place))
        write_volume(root / "labelsTr" / f"{case}.nii.gz", labels(*values))
    return root
