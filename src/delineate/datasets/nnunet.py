"""The layouts of nnU-Net (v1, v2) and the Medical Decathlon, with or without dataset.json."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from delineate.core.errors import DatasetError
from delineate.datasets.legend import find_legend, read_mapping
from delineate.datasets.pairs import Findings, Pair, PairedDataset
from delineate.readers import find_files, natural_order, strip_suffix

CHANNEL = re.compile(r"^(?P<case>.+)_(?P<channel>\d{4})$")
"""nnU-Net's name of one channel's file: "liver_001_0000"."""


class NnUNet(PairedDataset):
    """`imagesTr/` and `labelsTr/`: one file a channel (nnU-Net), or 3-D and 4-D files (MSD)."""

    layout = "nnunet"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Tell whether a folder has `imagesTr` or `labelsTr`.

        Args:
            path: A folder.

        Returns:
            True if it does.
        """
        return (path / "imagesTr").is_dir() or (path / "labelsTr").is_dir()

    def look(self, root: Path) -> Findings:
        """Pair the files of `imagesTr` and `labelsTr`, and read dataset.json if it is there.

        Args:
            root: The dataset's folder.

        Returns:
            What was found.
        """
        card = read_mapping(root / "dataset.json") if (root / "dataset.json").exists() else {}
        channels = _channels(card)
        if isinstance(card.get("dataset"), Mapping):
            pairs, problems = _listed_pairs(root, card["dataset"])
        else:
            pairs, problems = _folder_pairs(root, None if channels is None else len(channels))
            problems += _unmet(card.get("training"), pairs)
        told = f"There is no dataset.json in {root}, so channels and labels were found by looking."
        return Findings(
            name=str(card.get("name") or root.resolve().name),
            pairs=dict(sorted(pairs.items(), key=lambda item: natural_order(item[0]))),
            labels=find_legend(root, first="dataset.json"),
            channels=channels,
            licence=str(card.get("licence") or card.get("license") or "unknown"),
            problems=tuple(problems),
            remarks=() if card else (told,),
        )


def _channels(card: Mapping[str, Any]) -> tuple[str, ...] | None:
    named = card.get("channel_names", card.get("modality"))
    if isinstance(named, Mapping):
        return _distinct([str(named[key]) for key in sorted(named, key=int)])
    if isinstance(named, Sequence) and not isinstance(named, str):
        return _distinct([str(name) for name in named])
    return None


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    # Number names that occur twice, since a channel is asked for by name.
    return tuple(
        name if names.count(name) == 1 else f"{name} {place}" for place, name in enumerate(names)
    )


def _folder_pairs(root: Path, num_channels: int | None) -> tuple[dict[str, Pair], list[str]]:
    masks = _by_stem(root / "labelsTr")
    images = _by_stem(root / "imagesTr")
    if not images:
        raise DatasetError(
            f"{root / 'imagesTr'} holds no image, but labelsTr holds {len(masks)} masks. "
            "Put the images there."
        )
    if not masks:
        raise DatasetError(
            f"{root / 'labelsTr'} holds no mask for the {len(images)} images in imagesTr. "
            "Put the masks there; to predict images without masks use `delineate predict`."
        )
    files, is_split = _group(images, masks)
    pairs, problems = {}, []
    usual = num_channels or max(len(channels) for channels in files.values())
    for case, channels in files.items():
        if case not in masks:
            problems.append(f"{case} has an image but no mask in labelsTr; it is left out.")
        elif is_split[case] and sorted(channels) != list(range(len(channels))):
            problems.append(
                f"{case} has channel files {sorted(channels)} with a gap; it is left out."
            )
        elif is_split[case] and num_channels is None and len(channels) != usual:
            problems.append(
                f"{case} has {len(channels)} channel files where others have {usual}; "
                "it is left out."
            )
        else:
            ordered = tuple(channels[place] for place in sorted(channels))
            pairs[case] = Pair(images=ordered, mask=masks[case])
    problems += [
        f"{case} has a mask but no image in imagesTr; it is left out."
        for case in masks
        if case not in files
    ]
    return pairs, problems


def _group(
    images: Mapping[str, Path], masks: Mapping[str, Path]
) -> tuple[dict[str, dict[int, Path]], dict[str, bool]]:
    # Gather channel files by case; a name that a mask has too is no channel's name.
    files: dict[str, dict[int, Path]] = defaultdict(dict)
    is_split = {}
    for stem, path in images.items():
        found = None if stem in masks else CHANNEL.match(stem)
        case = found["case"] if found else stem
        files[case][int(found["channel"]) if found else 0] = path
        is_split[case] = found is not None
    return dict(files), is_split


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    return {strip_suffix(path): path for path in find_files(folder)}


def _listed_pairs(root: Path, listed: Mapping[str, Any]) -> tuple[dict[str, Pair], list[str]]:
    # Follow the paths that nnU-Net v2 allows in dataset.json.
    pairs, problems = {}, []
    for case, entry in listed.items():
        try:
            images = tuple(root / path for path in entry["images"])
            mask = root / entry["label"]
        except (KeyError, TypeError) as error:
            raise DatasetError(
                f"{root / 'dataset.json'} lists case {case} without images or label. Add them."
            ) from error
        absent = [path for path in (*images, mask) if not path.exists()]
        if absent:
            problems.append(f"{case} is listed, but {absent[0]} is absent; it is left out.")
        else:
            pairs[str(case)] = Pair(images=images, mask=mask)
    return pairs, problems


def _unmet(training: object, pairs: Mapping[str, Pair]) -> list[str]:
    # Name the cases that the Decathlon's list promises and the folder lacks.
    if not isinstance(training, Sequence) or isinstance(training, str):
        return []
    masks = {pair.mask.name for pair in pairs.values()}
    labels = [
        str(entry["label"]) for entry in training if isinstance(entry, Mapping) and "label" in entry
    ]
    return [
        f"{strip_suffix(Path(label))} is listed in dataset.json but is not complete in the folder."
        for label in labels
        if Path(label).name not in masks
    ]
