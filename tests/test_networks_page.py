"""The page of networks says what the code says."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from delineate.models import MODELS

DOCS = Path(__file__).parents[1] / "docs"


def load_builder():
    spec = spec_from_file_location("build", DOCS / "build.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lower_part_is_what_the_docstrings_say():
    page = (DOCS / "networks.md").read_text(encoding="utf-8")

    assert page == load_builder().build_networks(page)  # if not: make docs


def test_every_network_has_its_options_and_its_source():
    builder = load_builder()

    parts = {name: "\n".join(builder.describe_network(name)) for name in MODELS}

    assert [name for name, part in parts.items() if "\n| `" not in part] == []
    assert [name for name, part in parts.items() if "\nSource: " not in part] == []
