"""Datasets by their layout: a table, and one function that recognises what a folder is."""

from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import Any

from delineate.core.errors import DatasetError, pick
from delineate.datasets.base import Dataset, readable_folder
from delineate.datasets.consep import CoNSeP
from delineate.datasets.dicom_pairs import DicomPairs
from delineate.datasets.dsb2018 import Dsb2018
from delineate.datasets.folder import IMAGE_FOLDERS, MASK_FOLDERS, Folder
from delineate.datasets.hovernet import HoVerNet
from delineate.datasets.labelmaps import LabelMaps
from delineate.datasets.monuseg import MoNuSeg
from delineate.datasets.nnunet import NnUNet
from delineate.datasets.phantoms import Phantoms
from delineate.datasets.tissue import Tissue
from delineate.datasets.union import Union

DATASETS: dict[str, type[Dataset]] = {
    "nnunet": NnUNet,
    "monuseg": MoNuSeg,
    "dsb2018": Dsb2018,
    "consep": CoNSeP,
    "hovernet": HoVerNet,
    "labelmaps": LabelMaps,
    "folder": Folder,
    "dicom_pairs": DicomPairs,
    "phantoms": Phantoms,
    "tissue": Tissue,
}
"""Kinds by layout; the first that recognises a folder opens it, so the particular come first."""


def open_dataset(
    path: str | Path | Sequence[str | Path],
    layout: str | None = None,
    **options: Any,  # noqa: ANN401
) -> Dataset:
    """Open a dataset, or several as one; each is read by the first kind that recognises it.

    Args:
        path: The dataset's folder (or zip), or "phantoms" or "tissue" for synthetic ones; or
            several of these.
        layout: Row of `DATASETS`, of the first dataset if there are several; None means to look.
        **options: Passed to the kind, such as `mpp` of datasets of nuclei; to each of several.

    Returns:
        The dataset; no pixel was read. Of several paths a `Union`.

    Raises:
        DatasetError: If there is no path or no such folder, or no kind recognises it, or a kind
            does not take an option.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    if not paths:
        raise DatasetError("path names no dataset. Pass at least one folder.")
    layouts = [layout, *[None] * (len(paths) - 1)]
    found = [_open(one, kind, options) for one, kind in zip(paths, layouts, strict=True)]
    return found[0] if len(found) == 1 else Union(found)


def _open(path: str | Path, layout: str | None, options: dict[str, Any]) -> Dataset:
    kind = _kind_of(path) if layout is None else pick(DATASETS, layout, what="dataset layout")
    taken = signature(kind.__init__).parameters
    if strange := [name for name in options if name not in taken]:
        raise DatasetError(
            f"{path} is of the layout {kind.layout!r}, which takes no {' and no '.join(strange)}"
            f"{'; mpp is for datasets of nuclei' if 'mpp' in strange else ''}. Leave it out."
        )
    return kind(path, **options)  # type: ignore[call-arg]


def _kind_of(path: str | Path) -> type[Dataset]:
    for kind in DATASETS.values():
        if kind.recognises(Path(path)):
            return kind
    folder = readable_folder(path)
    raise DatasetError(
        f"{folder} has no layout that is known: neither imagesTr/ and labelsTr/, nor one of "
        f"{'/, '.join(IMAGE_FOLDERS)}/ beside one of {'/, '.join(MASK_FOLDERS[:4])}/, nor files "
        "NAME_mask beside NAME, nor one of the layouts of nuclei. Rename the folders, or pass the "
        "folder that holds them."
    )
