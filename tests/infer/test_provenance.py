import json

import torch

from delineate.infer.provenance import tell_provenance, tell_series
from scans import make_scan


def test_provenance_names_model_weights_plan_and_versions_in_plain_types(make_plan):
    plan = make_plan()

    facts = tell_provenance(
        "liver", plan, weights_hash="abc", device=torch.device("cpu"), flips=(0, 2), seconds=1.23456
    )

    assert json.loads(json.dumps(facts)) == facts
    assert facts["model"] == "liver"
    assert facts["plan_hash"] == plan.hash()
    assert facts["torch"] == torch.__version__
    assert facts["flips"] == [0, 2]
    assert facts["seconds"] == 1.235


def test_a_series_is_told_by_its_uid_and_other_files_not_at_all(tmp_path):
    scan = make_scan(tmp_path / "ct", shape=(5, 12, 14))

    assert tell_series(scan.series) == {"series": {"uid": "1.2.3.2", "findings": []}}
    assert tell_series(None) == {}
