"""What a run of predictions did, and how it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from delineate.infer.doubt import tell_doubts


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """What a run of predictions did."""

    folder: Path
    """Where the results are."""
    written: tuple[str, ...] = ()
    """Ids of the cases that were predicted."""
    skipped: tuple[str, ...] = ()
    """Ids of the cases that were done before."""
    objects: Mapping[str, int] = field(default_factory=dict)
    """Objects found in each case, where the model tells them apart."""
    doubts: Mapping[str, float | None] = field(default_factory=dict)
    """Mean uncertainty near borders of each case, if asked for; None without a border."""
    failures: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with each case that was left out, or file that was not sent, by name."""
    aside: Mapping[str, str] = field(default_factory=dict)
    """DICOM volumes that are none of the model's kind, and why, by name; that is no failure."""
    received: int = 0
    """Instances that an archive gave."""
    sent: int = 0
    """Objects that an archive was given."""
    sent_before: int = 0
    """Objects that the archive had already."""
    num_unsent: int = 0
    """How many of the failures are of sending."""

    @property
    def text(self) -> str:
        """What to tell the user."""
        done = f"Predicted {len(self.written)} of {self._num_cases} cases into {self.folder}"
        before = f"; {len(self.skipped)} were done before" if self.skipped else ""
        num_bad = len(self.failures) - self.num_unsent
        bad = f"; {num_bad} could not be predicted" if num_bad else ""
        told = f"{self._told}{tell_doubts(self.doubts)}{self._moved}"
        return f"{done}{before}{bad}.{told}{self._passed_over}"

    @property
    def _passed_over(self) -> str:
        """Name the volumes that are none of the model's kind, one line each."""
        if not self.aside:
            return ""
        lines = "".join(f"\n  {name}: {reason}" for name, reason in self.aside.items())
        return f"\nLeft aside, since the model is not made for them: {len(self.aside)}{lines}"

    @property
    def _moved(self) -> str:
        """Say what came from archives and what went there."""
        came = f" Received {self.received} instances." if self.received else ""
        there = f", {self.sent_before} were there before" if self.sent_before else ""
        bad = f", {self.num_unsent} could not be sent" if self.num_unsent else ""
        has_sent = self.sent or self.sent_before or self.num_unsent
        return came + (f" Sent {self.sent} objects{there}{bad}." if has_sent else "")

    @property
    def _told(self) -> str:
        """Say how many objects there are, and where there are none."""
        if not self.objects:
            return ""
        none = [case for case, count in self.objects.items() if not count]
        empty = f"; none in {', '.join(none[:5])}{' and others' if len(none) > 5 else ''}"
        return f" {sum(self.objects.values()):,} objects{empty if none else ''}."

    @property
    def _num_cases(self) -> int:
        return len(self.written) + len(self.skipped) + len(self.failures) - self.num_unsent
