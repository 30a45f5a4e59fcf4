"""A plan to read: a table of decision, value and reason."""

import textwrap
from typing import Any

from delineate.core.plan import Plan


def describe_plan(decided: Plan) -> str:
    """Lay a plan out as a table of decision, value and reason.

    Args:
        decided: The plan.

    Returns:
        Lines of at most 100 characters.
    """
    lines = []
    for name, reason in decided.reasons.items():
        value = getattr(decided, name)
        if name == "folds" or value in ({}, None):
            continue
        left = textwrap.wrap(_said(value), 34, break_on_hyphens=False) or ["none"]
        right = textwrap.wrap(reason, 46)
        height = max(len(left), len(right))
        left += [""] * (height - len(left))
        right += [""] * (height - len(right))
        for row, (what, why) in enumerate(zip(left, right, strict=True)):
            lines.append(f"{'' if row else name:14}  {what:34}  {why}".rstrip())
    head = f"{'decision':14}  {'value':34}  why"
    rule = f"{'-' * 14}  {'-' * 34}  {'-' * 46}"
    return "\n".join([head, rule, *lines])


def _said(value: Any) -> str:  # noqa: ANN401 - any field of a plan
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(entry)}" for name, entry in value.items())
    if isinstance(value, tuple):
        parts = [_said(entry) for entry in value]
        if len(set(parts)) == 1 < len(parts) and isinstance(value[0], dict):
            return f"for each of {len(parts)} channels: {parts[0]}"
        is_numbers = all(isinstance(entry, (int, float)) for entry in value)
        return (" x " if is_numbers else "; ").join(parts)
    if isinstance(value, list):
        return f"[{', '.join(_said(entry) for entry in value)}]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
