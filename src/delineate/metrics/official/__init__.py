"""Official scorers by name: each benchmark's own averaging, stated in a sentence."""

from delineate.metrics.official.conic import CoNIC
from delineate.metrics.official.monuseg import MoNuSeg
from delineate.metrics.official.msd import MSD
from delineate.metrics.official.outcome import Outcome, Scorer
from delineate.metrics.official.pannuke import PanNuke
from delineate.metrics.official.uw_madison import UWMadison

SCORERS: dict[str, type[Scorer]] = {
    "conic": CoNIC,
    "monuseg": MoNuSeg,
    "msd": MSD,
    "pannuke": PanNuke,
    "uw_madison": UWMadison,
}
"""Name to scorer; its fields are the benchmark's settings, `add` takes its cases."""

__all__ = ["MSD", "SCORERS", "CoNIC", "MoNuSeg", "Outcome", "PanNuke", "Scorer", "UWMadison"]
