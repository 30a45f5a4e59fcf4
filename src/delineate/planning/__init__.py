"""From what the data look like to a plan: a fingerprint, and rules that give their reasons."""

from delineate.planning.fingerprint import Fingerprint, take_fingerprint
from delineate.planning.machine import Machine, Measure, StepCost
from delineate.planning.rules import RULES, make_plan

__all__ = [
    "RULES",
    "Fingerprint",
    "Machine",
    "Measure",
    "StepCost",
    "make_plan",
    "take_fingerprint",
]
