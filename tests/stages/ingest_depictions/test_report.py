import pytest
from annotated import GOOD, HIGH, LOW

from qbuild.language.attributes import ATTRIBUTES
from qbuild.stages.ingest_depictions.agreement import Agreement
from qbuild.stages.ingest_depictions.report import EXAMPLES, Report
from qbuild.stages.ingest_depictions.report_text import ANNOTATORS_SHOWN, format_report

IDS = iter(range(1 << 20))


def row(text, level=None, annotator="a-1", day=None, medium="set:a.mp4", kind="overall"):
    return {
        "depiction_id": f"{next(IDS):032x}",
        "media_id": medium,
        "medium": "image" if medium.endswith(".png") else "video",
        "kind": kind,
        "text": text,
        "level": level,
        "annotator": annotator,
        "annotated_on": day,
    }


def figures(*rows):
    report = Report()
    for one in rows:
        report.add(one)
    return report.figures()


def test_attributes_are_counted_in_the_order_of_table_11():
    totals = figures(row(GOOD), row(HIGH), row(LOW, kind="in-context"))["totals"]
    assert list(totals["attributes"]) == list(ATTRIBUTES)
    counted = {name: count for name, count in totals["attributes"].items() if count}
    assert counted == {"sharpness": 2, "noise": 1, "color": 1}
    assert totals["attributes_a_depiction"] == 2.0
    assert totals["kinds"] == {"in-context": 1, "overall": 2}


def test_temporal_descriptions_are_counted_for_videos_only():
    report = figures(row(GOOD), row("It is sharp."), row("It is sharp.", medium="set:a.png"))
    assert report["totals"]["temporal"] == {"videos": 2, "with": 1, "share": 0.5}


def test_tones_off_their_level_are_counted_with_examples():
    bad = [row(GOOD, 5) for _ in range(EXAMPLES + 2)]
    policy = figures(*bad, row(HIGH, 5), row(LOW, 1), row(HIGH, 1), row(GOOD))["totals"]["policy"]
    assert policy["judged"] == EXAMPLES + 5
    assert policy["violations"] == {"Low": 1, "High": EXAMPLES + 2}
    assert [one["depiction_id"] for one in policy["examples"]] == [
        one["depiction_id"] for one in bad[:EXAMPLES]
    ]
    assert policy["examples"][0]["level"] == "High"
    assert "also found: noise" in policy["examples"][0]["found"]


def test_degree_words_are_compared_with_the_level_shown_except_of_aspects():
    text = "There is extremely severe noise."
    rows = [row(text, level, kind=kind) for kind in ("overall", "aspect") for level in (1, 3, None)]
    degrees = figures(*rows)["totals"]["degrees"]
    assert (degrees["words"], degrees["misplaced"]) == (2, 1)
    assert degrees["examples"] == [
        {
            "depiction_id": rows[1]["depiction_id"],
            "level": "Fair",
            "degree": "very severe",
            "attribute": "noise",
            "mainly_for": ["Low", "Poor"],
        }
    ]


def test_media_are_counted_per_day_and_person():
    rows = [
        row(GOOD, annotator=who, day=f"2024-03-0{day}", medium=f"set:{at}.mp4", kind=kind)
        for who, day, count in (("a-1", 1, 14), ("a-1", 2, 31), ("a-2", 1, 15), ("a-2", 2, 30))
        for at in range(count)
        for kind in ("overall", "in-context")
    ]
    report = figures(*rows)
    days = report["totals"]["days"]
    assert (days["days"], days["min"], days["median"], days["max"]) == (4, 14, 22.5, 31)
    assert [one["days"]["outside"] for one in report["annotators"]] == [2, 0]
    assert days["outside"] == 2


def test_without_dates_there_are_no_days():
    assert figures(row(GOOD))["totals"]["days"] is None


def test_annotators_are_sorted_by_pseudonym_with_none_last():
    report = figures(row(GOOD, annotator=None), row(GOOD, annotator="a-2"), row(GOOD))
    assert [one["annotator"] for one in report["annotators"]] == ["a-1", "a-2", None]
    assert sum(one["depictions"] for one in report["annotators"]) == report["totals"]["depictions"]


def test_agreement_is_the_overlap_of_attributes_and_the_share_of_equal_sides():
    agreement = Agreement()
    agreement.add("m", "a", {"noise": -1, "sharpness": 1})
    agreement.add("m", "b", {"noise": -1, "sharpness": -1, "color": 1})
    agreement.add("m", "c", {})
    agreement.add("n", "a", {"noise": 0, "color": 1})
    agreement.add("n", "b", {"noise": 1, "color": 1})
    agreement.add("alone", "a", {"noise": 1})
    total, each = agreement.compare()
    # pairs: ab on m 2/3, ac 0/2, bc 0/3; ab on n 2/2; sides: noise, not sharpness; color
    assert total.figures() == {
        "media": 2,
        "pairs": 4,
        "attributes": pytest.approx((2 / 3 + 1) / 4, abs=1e-6),
        "sides": pytest.approx(2 / 3, abs=1e-6),
    }
    assert each["c"].figures() == {"media": 1, "pairs": 2, "attributes": 0.0, "sides": None}


def test_depictions_of_one_person_count_together():
    agreement = Agreement()
    agreement.add("m", "a", {"noise": -1})
    agreement.add("m", "a", {"noise": 1, "color": 1})
    agreement.add("m", "b", {"noise": -1, "color": 1})
    total, _ = agreement.compare()
    assert total.figures() == {"media": 1, "pairs": 1, "attributes": 1.0, "sides": 1.0}


def test_depictions_without_annotator_have_no_agreement():
    report = figures(row(GOOD, annotator=None), row(GOOD), row(GOOD, annotator=None))
    assert report["totals"]["agreement"]["pairs"] == 0


def test_the_text_is_short_with_one_line_per_person():
    people = [f"a-{n:03}" for n in range(ANNOTATORS_SHOWN + 3)]
    report = figures(
        *(
            row(text, level, who, "2024-03-07", f"set:{at}.mp4")
            for who in people
            for at, (text, level) in enumerate(((GOOD, 4), (GOOD, 5), (LOW, 5), (LOW, 1)))
        )
    )
    lines = format_report(
        {**report, "cancelled": 1, "collapsed": 2, "notes": ["a note"]}
    ).splitlines()
    assert sum(line.startswith("a-") for line in lines) == ANNOTATORS_SHOWN
    assert len(lines) <= ANNOTATORS_SHOWN + 25
    assert "… 3 more; --json lists all" in lines
    assert lines[0] == "172 depictions of 4 media by 43 annotators: overall 172"
    assert "overall depictions against the policy of their level: 86 of 172 (High 86)" in lines
    assert lines[-3:] == [
        "1 cancelled annotation left out",
        "2 identical duplicates collapsed",
        "a note",
    ]


def test_pathway_annotators_have_the_limits_of_q_sit():
    rows = [
        row("Blurry. The quality is bad.", annotator=f"a-{count}", day="2024-03-01",
            medium=f"set:{at}.jpg", kind="pathway")
        for count in (30, 31, 51)
        for at in range(count)
    ]  # fmt: skip
    rows[0] = {**rows[0], "text": "Blurry."}
    total = figures(*rows)["totals"]
    assert total["days"] is None
    assert total["pathway"] == {
        "days": 3, "warned": 2, "paused": 1, "without_conclusion": 1, "images": 51,
        "few_feedbacks": 21,
    }  # fmt: skip
