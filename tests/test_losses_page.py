"""The page of losses says what the code says."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from delineate.losses import LOSSES

DOCS = Path(__file__).parents[1] / "docs"


def load_builder():
    spec = spec_from_file_location("build", DOCS / "build.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lower_part_is_what_the_docstrings_say():
    page = (DOCS / "losses.md").read_text(encoding="utf-8")

    assert page == load_builder().build_losses(page)  # if not: make docs


def test_every_loss_is_named_in_the_page_s_upper_part():
    upper = (DOCS / "losses.md").read_text(encoding="utf-8").split("## Each loss")[0]

    unnamed = [name for name in LOSSES if f"`{name}`" not in upper]

    assert unnamed == []
