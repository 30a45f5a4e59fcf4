"""What was received and sent, always on disk, so that a killed run goes on where it was."""

import json
from pathlib import Path
from typing import Any

from delineate.core.files import write_text

NAME = "exchange.json"
VERSION = 1


class Journal:
    """The record beside the results; written after each object, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        """Read the record of a folder; a damaged one counts as none, which loses only time.

        Args:
            folder: The folder of the results.
        """
        self._path = folder / NAME
        self._content: dict[str, dict[str, Any]] = {}
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            if content["version"] == VERSION and isinstance(content["studies"], dict):
                self._content = content
        except (OSError, ValueError, KeyError, TypeError):
            pass
        for part in ("studies", "sent", "refused"):
            self._content.setdefault(part, {})

    def is_received(self, study: str, uid: str) -> bool:
        """Tell whether an instance is here.

        Args:
            study: StudyInstanceUID.
            uid: SOPInstanceUID.

        Returns:
            True if its file is there.
        """
        name = self._content["studies"].get(study, {}).get(uid)
        return isinstance(name, str) and (self._path.parent / name).is_file()

    def receive(self, study: str, uid: str, name: str) -> None:
        """Note an instance whose file was written.

        Args:
            study: StudyInstanceUID.
            uid: SOPInstanceUID.
            name: Its file within the folder.
        """
        self._content["studies"].setdefault(study, {})[uid] = name
        self._save()

    def state(self, peer: str, uid: str) -> str:
        """Tell how far an object is on its way.

        Args:
            peer: The archive.
            uid: SOPInstanceUID.

        Returns:
            "predicted", "sending" or "sent"; empty if it is not known.
        """
        return str(self._content["sent"].get(peer, {}).get(uid, ""))

    def move(self, peer: str, uid: str, state: str) -> None:
        """Note how far an object is.

        Args:
            peer: The archive.
            uid: SOPInstanceUID.
            state: "predicted", "sending" or "sent".
        """
        self._content["sent"].setdefault(peer, {})[uid] = state
        self._save()

    def has_refused(self, peer: str, class_uid: str) -> bool:
        """Tell whether an archive refused a class of objects before.

        Args:
            peer: The archive.
            class_uid: SOPClassUID.

        Returns:
            True if so.
        """
        return class_uid in self._content["refused"].get(peer, [])

    def refuse(self, peer: str, class_uid: str) -> None:
        """Note that an archive refuses a class of objects.

        Args:
            peer: The archive.
            class_uid: SOPClassUID.
        """
        if not self.has_refused(peer, class_uid):
            self._content["refused"].setdefault(peer, []).append(class_uid)
            self._save()

    def _save(self) -> None:
        write_text(self._path, json.dumps({**self._content, "version": VERSION}, indent=1))
