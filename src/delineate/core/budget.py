"""How long something may take, as people write it: 90s, 30m, 1h30m."""

import re
from dataclasses import dataclass

from delineate.core.errors import BudgetError

_NUMBER = r"(\d+(?:\.\d+)?)"
_PATTERN = re.compile(f"(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?")
_SECONDS = (3600, 60, 1)


@dataclass(frozen=True, order=True)
class Budget:
    """A positive span of time; settings hold it as text, steps parse it."""

    seconds: float
    """Length in seconds, above 0 and finite."""

    def __post_init__(self) -> None:
        """Check the length.

        Raises:
            BudgetError: If it is not above 0 and finite.
        """
        if not 0 < self.seconds < float("inf"):
            raise BudgetError(
                f"budget must be a time above zero, not {self.seconds} s. "
                "Pass one such as --budget 30m."
            )

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Read a time as people write it.

        Args:
            text: Such as "90s", "30m", "1h" or "1h30m"; a bare number counts minutes.

        Returns:
            The budget.

        Raises:
            BudgetError: If the text is no time, or the time is zero.

        Example:
            >>> Budget.parse("1h30m").seconds
            5400.0
        """
        bare = "".join(text.lower().split())
        found = _PATTERN.fullmatch(f"{bare}m" if re.fullmatch(_NUMBER, bare) else bare)
        if found is None or not any(found.groups()):
            raise BudgetError(
                f"budget must be a time such as 90s, 30m or 1h30m, not {text!r}. Correct --budget."
            )
        parts = found.groups(default="0")
        return cls(sum(float(part) * unit for part, unit in zip(parts, _SECONDS, strict=True)))

    def __str__(self) -> str:
        """Write it as `parse` reads it.

        Returns:
            Such as "1h30m" or "90s"; parts of a second are kept if there are any.
        """
        if self.seconds != int(self.seconds) or self.seconds < 120:
            return f"{self.seconds:.9f}".rstrip("0").rstrip(".") + "s"
        minutes, seconds = divmod(int(self.seconds), 60)
        hours, minutes = divmod(minutes, 60)
        parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
        return "".join(f"{count}{unit}" for count, unit in parts if count)
