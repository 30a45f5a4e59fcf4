"""Which cases are done, by which model and settings, so that a second run skips them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from delineate.core.files import write_text

NAME = "predictions.json"
VERSION = 1


class Ledger:
    """The record of a folder of predictions; written after each case, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        """Read the record of a folder, if there is one; a damaged one counts as none.

        Args:
            folder: The folder of the predictions.
        """
        self.path = folder / NAME
        self.is_new = not self.path.exists()
        self.cases: dict[str, dict[str, Any]] = {}
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            if content["version"] == VERSION:
                self.cases = dict(content["cases"])
        except (OSError, ValueError, KeyError, TypeError):
            pass

    def is_done(self, case_id: str, key: Mapping[str, Any]) -> bool:
        """Tell whether a case was predicted in just this way and its files are still there.

        Args:
            case_id: The case.
            key: Everything that shapes the outputs: model, settings, input files.

        Returns:
            True if there is nothing to do.
        """
        row = self.cases.get(case_id)
        if row is None or row["key"] != json.loads(json.dumps(dict(key))):
            return False
        return all((self.path.parent / name).exists() for name in row["files"])

    def record(
        self,
        case_id: str,
        key: Mapping[str, Any],
        files: Sequence[str],
        provenance: Mapping[str, Any],
    ) -> None:
        """Note that a case is done.

        Args:
            case_id: The case.
            key: Everything that shapes the outputs.
            files: Names of the files within the folder.
            provenance: What made them, for the reader.
        """
        self.cases[case_id] = {
            "key": dict(key),
            "files": list(files),
            "provenance": dict(provenance),
        }
        self.save()

    def facts(self, name: str, case_ids: Sequence[str]) -> dict[str, Any]:
        """Look a fact up in what made some cases.

        Args:
            name: Of the fact.
            case_ids: The cases.

        Returns:
            The fact by case; cases that were made without it are left out.
        """
        made = {case_id: self.cases[case_id]["provenance"] for case_id in case_ids}
        return {case_id: facts[name] for case_id, facts in made.items() if name in facts}

    def save(self) -> None:
        """Write the record."""
        write_text(self.path, json.dumps({"version": VERSION, "cases": self.cases}, indent=1))
