"""Which cases trained a model, and which of those it is now asked about or judged by."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from delineate.core.errors import FileError

LEARNT = re.compile(r"^Learnt from \d+ cases?: (?P<cases>.+?)\.?$", re.MULTILINE)
"""The sentence of a bundle's card."""
CHANNEL = "_0000"
MARK = "is_training_case"
"""Name of the fact in the provenance of a prediction."""
NUM_NAMED = 8


def training_cases(folder: Path) -> frozenset[str]:
    """Read which cases a model learnt from.

    Args:
        folder: A run, whose `run.json` lists them, or a bundle, whose `card.md` does.

    Returns:
        Their ids; empty where neither file says so.
    """
    listed = read_facts(folder, "run.json", {}).get("training_cases")
    if listed:
        return frozenset(str(case) for case in listed)
    card = folder / "card.md"
    told = LEARNT.search(card.read_text(encoding="utf-8")) if card.is_file() else None
    return frozenset(told["cases"].split(", ")) if told else frozenset()


def find_leaks(trained: Collection[str], names: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Find cases whose id or file has the name of a case that trained the model.

    Several datasets that trained as one put their names before a dot; these count with and
    without it.

    Args:
        trained: Ids of the cases that trained.
        names: Other names of each case, such as those of its files, by its id.

    Returns:
        Ids of the cases, sorted.
    """
    known = {plain for case in trained for plain in (case, case.partition(".")[2])} - {""}
    known = {name.removesuffix(CHANNEL) for name in known}
    return tuple(
        sorted(
            case
            for case, others in names.items()
            if known & {name.removesuffix(CHANNEL) for name in (case, *others)}
        )
    )


def warn_of_leaks(leaks: Sequence[str], num_cases: int, model: str) -> str:
    """Say that a model meets cases that it was trained on.

    Args:
        leaks: Ids of these cases, at least one.
        num_cases: How many cases there are.
        model: What the model is called.

    Returns:
        One sentence for people.
    """
    more = f" and {len(leaks) - NUM_NAMED} more" if len(leaks) > NUM_NAMED else ""
    return (
        f"{len(leaks)} of these {num_cases} cases trained the model {model}, going by their names "
        f"({', '.join(leaks[:NUM_NAMED])}{more}): scores of them do not say how it does on new "
        "ones."
    )


def read_facts(
    folder: Path, name: str, otherwise: object, mend: str = ", or leave --run out"
) -> Any:  # noqa: ANN401 - any JSON
    """Read a file of facts of a run.

    Args:
        folder: The run.
        name: The file, such as "run.json".
        otherwise: What to answer if there is none.
        mend: What else helps if it cannot be read.

    Returns:
        What the file holds.

    Raises:
        FileError: If it cannot be read.
    """
    path = folder / name
    if not path.exists():
        return otherwise
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"{path} cannot be read ({error}). Mend or remove it{mend}.") from error
