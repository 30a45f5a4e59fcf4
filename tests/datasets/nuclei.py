"""Small datasets of typed nuclei and label images made at run time."""

import numpy as np
from PIL import Image as Picture
from scipy.io import savemat

SIZE = (40, 60)
GAP = 7
"""Ids are multiples of it, so that they are not contiguous."""


def grid_of_ids(num=12, size=SIZE, dtype=np.int32):
    """Draw squares of 5 x 5 pixels in rows, their ids with gaps."""
    ids = np.zeros(size, dtype)
    places = [(y, x) for y in range(2, size[0] - 6, 8) for x in range(2, size[1] - 6, 8)]
    for number, (y, x) in enumerate(places[:num], start=1):
        ids[y : y + 5, x : x + 5] = number * GAP
    return ids


def write_tile(path, seed=0, size=SIZE, *, is_grey=False):
    """Write a picture of noise in whatever format its ending asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = size if is_grey else (*size, 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    Picture.fromarray(pixels).save(path)
    return path


def write_ids(path, ids):
    """Write a label image; 8 and 16 bits by their type, 32 only as TIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(ids).save(path)
    return path


def write_consep(root, cases, *, part="train"):
    """Write `images`, `inst` and `type_mat`: for each case its ids and their types."""
    for folder in ("images", "inst", "type_mat"):
        (root / folder / part).mkdir(parents=True, exist_ok=True)
    for seed, (name, (ids, types)) in enumerate(cases.items()):
        write_tile(root / "images" / part / f"{name}.jpg", seed, ids.shape)
        np.savez(root / "inst" / part / f"{name}.npz", inst=ids)
        column = np.array(types, dtype=np.int64).reshape(-1, 1) if types else np.zeros((0, 1))
        centres = np.zeros((len(types), 2))
        savemat(
            root / "type_mat" / part / f"{name}.mat",
            {"inst_type": column, "inst_centroid": centres},
        )
    return root


def write_hovernet(root, cases, *, folders=("Images", "Labels")):
    """Write pictures and .mat files: for each case the arrays of its file."""
    for seed, (name, arrays) in enumerate(cases.items()):
        write_tile(root / folders[0] / f"{name}.png", seed, arrays["inst_map"].shape)
        (root / folders[1]).mkdir(parents=True, exist_ok=True)
        savemat(root / folders[1] / f"{name}.mat", arrays, do_compression=True)
    return root


def write_stardist(root, cases, *, ending=".tif"):
    """Write `images/` and `masks/` of equal names: for each case its ids."""
    for seed, (name, ids) in enumerate(cases.items()):
        write_tile(root / "images" / f"{name}{ending}", seed, ids.shape)
        write_ids(root / "masks" / f"{name}{ending}", ids)
    return root


def write_cellpose(root, cases):
    """Write `NAME_img.png` beside `NAME_masks.png`: for each case its ids."""
    for seed, (name, ids) in enumerate(cases.items()):
        write_tile(root / f"{name}_img.png", seed, ids.shape, is_grey=True)
        write_ids(root / f"{name}_masks.png", ids.astype(np.uint16))
    return root
