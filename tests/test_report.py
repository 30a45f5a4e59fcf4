import re
from html.parser import HTMLParser

import numpy as np
import pytest

from delineate.core.labels import LabelTable
from delineate.core.plan import Plan
from delineate.metrics import METRICS, Failure, Row, Scoreboard
from delineate.metrics.nuclei import OBJECT_METRICS
from delineate.metrics.tally import Tallies, Tally
from delineate.pictures import Picture
from delineate.report import write_report

EVIL = "<script>alert('ü')</script>"


def board(num_cases=6, label="liver", **options):
    rng = np.random.default_rng(0)
    rows = []
    for place in range(num_cases):
        for name, status in ((label, "scored"), ("spleen", "missed" if place == 0 else "scored")):
            value = 0.0 if status == "missed" else float(rng.uniform(0.7, 0.95))
            values = dict.fromkeys(METRICS, value)
            rows.append(
                Row(case=f"case {place}", patient=f"p{place // 2}", label=name, status=status,
                    values=values)
            )  # fmt: skip
    return Scoreboard(rows=tuple(rows), metrics=METRICS, tolerance_mm=1.0, **options)


def page(tmp_path, scores, **options):
    path = write_report(scores, tmp_path / "report.html", **options)
    return path.read_text(encoding="utf-8")


class Balance(HTMLParser):
    """Fails if a tag is not closed in order."""

    def __init__(self):
        super().__init__()
        self.stack = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img", "br"):
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


def test_the_page_asks_nobody_and_runs_nothing(tmp_path):
    text = page(tmp_path, board(), overlays=[Picture(case="a", caption="worst", data=b"png")])

    sources = re.findall(r'(?:src|href)="([^"]{0,30})', text)
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert "http://" not in text
    assert "https://" not in text
    assert "<script" not in text
    assert "default-src 'none'" in text


def test_the_page_is_well_formed(tmp_path):
    parser = Balance()

    parser.feed(page(tmp_path, board(), environment={"a": "b"}))

    assert parser.stack == []


def test_names_cannot_become_tags(tmp_path):
    scores = board(label=EVIL, failures=(Failure(case=EVIL, reason=EVIL),), notes=(EVIL,))

    text = page(tmp_path, scores, title=EVIL, environment={EVIL: EVIL},
                overlays=[Picture(case=EVIL, caption=EVIL, data=b"")])  # fmt: skip

    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(&#x27;ü&#x27;)") >= 8


def test_counts_intervals_and_conventions_stand_on_the_page(tmp_path):
    text = page(tmp_path, board())

    for word in ("Missed", "Spurious", "Absent", "95 %", "MONAI", "bootstrap", "NSD at 1 mm"):
        assert word in text


def test_failures_stand_at_the_top(tmp_path):
    text = page(tmp_path, board(failures=(Failure(case="x", reason="x is damaged."),)))

    assert text.index("x is damaged.") < text.index("Scores")


def test_worst_case_is_the_first_of_the_table(tmp_path):
    text = page(tmp_path, board())

    assert text.index("<td>case 0</td>") < text.index("<td>case 3</td>")


def test_plan_shows_decisions_with_reasons(tmp_path):
    plan = Plan(
        dataset="d", layout="nnunet", labels=LabelTable.of_names({"liver": 1}), channels=("CT",),
        dims=3, canonical=True, spacing_mm=(2.0, 1.0, 1.0), normalisation=({"kind": "zscore"},),
        patch=(8, 8, 8), batch_size=2, model="unet", model_options={}, loss="dice_ce",
    ).deciding("It fits.", patch=(8, 8, 16), normalisation=({"kind": "zscore"},))  # fmt: skip

    text = page(tmp_path, board(), plan=plan, curves={"step": [1], "loss": [0.5]})

    assert "8 × 8 × 16" in text
    assert "It fits." in text


def test_one_patient_one_case_and_none_at_all_have_a_page(tmp_path):
    alone = board(1)
    none = Scoreboard(rows=(), metrics=METRICS, tolerance_mm=1.0)

    assert "one patient" in page(tmp_path, alone)
    assert "No case was scored." in page(tmp_path, none)


@pytest.mark.parametrize("unit", ["mm", "px"])
def test_unit_is_said(tmp_path, unit):
    assert f"HD95 ({unit})" in page(tmp_path, board(unit=unit))


def nuclei():
    rows = [
        Row(case=name, patient=name, label="nucleus", status="scored",
            values=dict.fromkeys(OBJECT_METRICS, 0.5))
        for name in ("a", EVIL)
    ]  # fmt: skip
    tissues = {"a": "kidney", EVIL: EVIL}
    return Scoreboard(rows=tuple(rows), metrics=OBJECT_METRICS, tolerance_mm=0, tissues=tissues)


TALLIES = Tallies(
    total=Tally(name="all nuclei", num_true=9, num_predicted=8, matched=5, merged=2, split=1,
                rough=0, missed=1, spurious=3, mistyped=1),
    by_size=(), by_type=(),
)  # fmt: skip


def test_objects_have_their_mistakes_and_tissues_and_no_millimetres(tmp_path):
    picture = Picture(case=EVIL, caption=EVIL, data=b"\xff\xd8jpeg")

    text = page(tmp_path, nuclei(), tallies=TALLIES, spots=[picture], overlays=[picture])

    parser = Balance()
    parser.feed(text)
    assert parser.stack == []
    assert "Of 9 true nuclei 5 are matched, 2 merged" in text
    assert text.index("<h2>By tissue</h2>") < text.index("<h2>Mistakes</h2>")
    assert text.count("data:image/jpeg") == 2
    assert not re.search(r"[ (]mm[ )]|NSD|HD95", text)
    assert "<script" not in text
    assert "mistyped</span>" not in text


def test_regions_have_neither_mistakes_nor_tissues(tmp_path):
    text = page(tmp_path, board())

    assert "<h2>Mistakes" not in text
    assert "<h2>By tissue" not in text
