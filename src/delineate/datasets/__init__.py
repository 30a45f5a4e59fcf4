"""Datasets by their layout: a table, and one function that recognises what a folder is."""

from pathlib import Path
from typing import Any

from delineate.core.errors import DatasetError, pick
from delineate.datasets.base import Dataset, readable_folder
from delineate.datasets.folder import IMAGE_FOLDERS, MASK_FOLDERS, Folder
from delineate.datasets.nnunet import NnUNet
from delineate.datasets.phantoms import Phantoms

DATASETS: dict[str, type[Dataset]] = {
    "nnunet": NnUNet,
    "folder": Folder,
    "phantoms": Phantoms,
}


def open_dataset(path: str | Path, layout: str | None = None, **options: Any) -> Dataset:  # noqa: ANN401
    """Open a dataset; without a layout, the first kind that recognises the folder does it.

    Args:
        path: The dataset's folder, or "phantoms" for synthetic patients.
        layout: Row of `DATASETS`; None means to look.
        **options: Passed to the kind, such as `num_patients` of the phantoms.

    Returns:
        The dataset; no pixel was read.

    Raises:
        DatasetError: If there is no such folder, or no kind recognises it.
    """
    if layout is not None:
        return pick(DATASETS, layout, what="dataset layout")(path, **options)  # type: ignore[call-arg]
    for kind in DATASETS.values():
        if kind.recognises(Path(path)):
            return kind(path, **options)  # type: ignore[call-arg]
    folder = readable_folder(path)
    raise DatasetError(
        f"{folder} has no layout that is known: neither imagesTr/ and labelsTr/, nor one of "
        f"{'/, '.join(IMAGE_FOLDERS)}/ beside one of {'/, '.join(MASK_FOLDERS[:4])}/, nor files "
        "NAME_mask beside NAME. Rename the folders, or pass the folder that holds them."
    )
