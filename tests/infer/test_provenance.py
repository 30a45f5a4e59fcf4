import json

import torch

from delineate.infer.provenance import tell_provenance


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
