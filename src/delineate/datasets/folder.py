"""A folder of images and one of masks under any of their many names, or both in one folder."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from delineate.core.errors import DatasetError
from delineate.datasets.legend import find_legend
from delineate.datasets.masks import holds_drawn
from delineate.datasets.pairs import Findings, Pair, PairedDataset
from delineate.readers import find_files, natural_order, strip_suffix

IMAGE_FOLDERS = ("images", "image", "imgs", "img")
"""Names of the folder of images; the first that exists is taken."""
MASK_FOLDERS = (
    "masks", "mask", "labels", "label", "segmentations", "segmentation", "segs", "seg",
    "annotations", "annotation", "ground_truth", "groundtruth", "gt",
)  # fmt: skip
"""Names of the folder of masks; the first that exists is taken."""
MASK_ENDING = re.compile(
    r"^(?P<case>.+?)[_\-. ](?:cp_)?(?:mask|masks|seg|segmentation|label|labels|annotation|gt)$",
    re.IGNORECASE,
)
"""What makes a file's name that of a mask: "a_mask", "a-label", "a_seg", "a_cp_masks"."""
IMAGE_ENDING = re.compile(r"^(?P<case>.+)[_\-. ](?:image|img)$", re.IGNORECASE)
"""What an image's name may end with beside it: "a_image"."""


class Folder(PairedDataset):
    """`images/` and `masks/` with equal names, or `a.png` beside `a_mask.png`."""

    layout = "folder"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Tell whether a folder has images and masks under usual names.

        Args:
            path: A folder.

        Returns:
            True if there is a folder of images or of masks, or a file `NAME_mask` beside
            others; but SEG and RTSTRUCT are tied to their images by UIDs, not by names.
        """
        if not path.is_dir():
            return False
        if masks := _subfolder(path, MASK_FOLDERS):
            return not holds_drawn(masks)
        if _subfolder(path, IMAGE_FOLDERS):
            return not holds_drawn(path)
        names = [strip_suffix(file) for file in find_files(path) if file != path]
        return any(MASK_ENDING.match(name) for name in names) and not holds_drawn(path)

    def look(self, root: Path) -> Findings:
        """Pair images with masks of the same name, apart from endings such as `_mask`.

        Args:
            root: The dataset's folder.

        Returns:
            What was found.
        """
        pairs, problems = find_pairs(root)
        return Findings(
            name=root.resolve().name,
            pairs=pairs,
            labels=find_legend(root),
            problems=tuple(problems),
        )


def find_pairs(root: Path) -> tuple[dict[str, Pair], list[str]]:
    """Pair the images of a folder with its masks, apart from endings such as `_mask`.

    Args:
        root: A folder that can be read.

    Returns:
        Pairs by case in natural order, and one sentence for each case that was left out.
    """
    images, masks = _two_sides(root)
    pairs, problems = _paired(images, masks)
    return dict(sorted(pairs.items(), key=lambda item: natural_order(item[0]))), problems


def _subfolder(root: Path, names: Sequence[str]) -> Path | None:
    found = {path.name.lower(): path for path in root.iterdir() if path.is_dir()}
    return next((found[name] for name in names if name in found), None)


def _two_sides(root: Path) -> tuple[list[Path], list[Path]]:
    # List image files and mask files, and refuse a folder that has only one of them.
    image_folder, mask_folder = _subfolder(root, IMAGE_FOLDERS), _subfolder(root, MASK_FOLDERS)
    if image_folder and mask_folder:
        images, masks = find_files(image_folder), find_files(mask_folder)
        where = (str(image_folder), str(mask_folder))
    else:
        files = find_files(image_folder or mask_folder or root)
        masks = (
            files
            if mask_folder
            else [path for path in files if MASK_ENDING.match(strip_suffix(path))]
        )
        images = [path for path in files if path not in masks]
        where = (str(image_folder or root), str(mask_folder or image_folder or root))
    if not images and not masks:
        raise DatasetError(
            f"{where[0]} holds no file that can be read as an image. Put images there, such as "
            "PNG, TIFF or NIfTI, and masks into masks/."
        )
    if not masks:
        raise DatasetError(
            f"{where[1]} holds no mask for the {len(images)} images in {where[0]}. Put masks of "
            "the same names into masks/; to predict images without masks use `delineate predict`."
        )
    if not images:
        raise DatasetError(
            f"{where[0]} holds no image for the {len(masks)} masks in {where[1]}. Put the images "
            "into images/, with the masks' names."
        )
    return images, masks


def _paired(images: Iterable[Path], masks: Iterable[Path]) -> tuple[dict[str, Pair], list[str]]:
    image_of, problems = _by_key(images, (IMAGE_ENDING,))
    mask_of, more = _by_key(masks, (MASK_ENDING,))
    twice = {line.split(" ", 1)[0] for line in (*problems, *more)}
    problems += more
    problems += [
        f"{key} has an image ({image_of[key].name}) but no mask; it is left out."
        for key in image_of
        if key not in mask_of and key not in twice
    ]
    problems += [
        f"{key} has a mask ({mask_of[key].name}) but no image; it is left out."
        for key in mask_of
        if key not in image_of and key not in twice
    ]
    pairs = {
        key: Pair(images=(image_of[key],), mask=mask_of[key]) for key in image_of if key in mask_of
    }
    return pairs, problems


def _by_key(
    files: Iterable[Path], endings: Sequence[re.Pattern[str]]
) -> tuple[dict[str, Path], list[str]]:
    # Name files by their case; where two files claim one case, neither is used.
    claims: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        stem = strip_suffix(path)
        found = next((match for ending in endings if (match := ending.match(stem))), None)
        claims[found["case"] if found else stem].append(path)
    problems = [
        f"{key} has {len(paths)} files ({', '.join(path.name for path in paths[:3])}); it is left "
        "out."
        for key, paths in claims.items()
        if len(paths) > 1
    ]
    return {key: paths[0] for key, paths in claims.items() if len(paths) == 1}, problems
