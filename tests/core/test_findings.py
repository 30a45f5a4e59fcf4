"""Findings: the gravest decides, and programs get all of it."""

import json

import pytest

from delineate.core.findings import Finding, SeriesReport, verdict_of


def found(severity, code="GAP"):
    return Finding(code=code, severity=severity, sentence="2 slices are absent.", sop_uids=("1.2",))


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        ((), "accepted"),
        (("note",), "accepted"),
        (("note", "repair"), "repaired"),
        (("repair", "refusal", "note"), "refused"),
    ],
)
def test_the_gravest_finding_decides(severities, verdict):
    assert verdict_of([found(severity) for severity in severities]) == verdict


def test_a_report_names_each_code_once_and_its_refusals_apart():
    findings = (found("note"), found("repair"), found("refusal", "TILT"))

    report = SeriesReport(study_uid="1", series_uid="2", findings=findings)

    assert report.codes == ("GAP", "TILT")
    assert report.refusals == findings[2:]
    assert report.verdict == "refused"


def test_a_report_survives_json():
    report = SeriesReport(study_uid="1", series_uid="2", shape=(3, 4, 5), findings=(found("note"),))

    told = json.loads(json.dumps(report.to_dict()))

    assert told["shape"] == [3, 4, 5]
    assert told["verdict"] == "accepted"
    assert told["findings"][0]["sop_uids"] == ["1.2"]


def test_the_text_of_a_finding_ends_with_what_to_do():
    finding = Finding(code="GAP", severity="note", sentence="One is absent.", mend="Send it again.")

    assert finding.text == "GAP: One is absent. Send it again."
