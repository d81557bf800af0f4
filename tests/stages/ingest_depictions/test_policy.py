import pytest
from annotated import GOOD, HIGH, LOW
from depictions import depictions

from qbuild.stages.ingest_depictions.policy import check_text

FAIR = "The video has poor clarity, and there are camera shakes in the second half of the video."
OTHER = "Das Bild ist durchweg scharf, und die Farben leuchten."


@pytest.mark.parametrize(
    ("text", "level"), [(HIGH, 5), (GOOD, 4), (FAIR, 3), (FAIR, 2), (LOW, 2), (LOW, 1)]
)
def test_a_depiction_of_its_own_level_follows_the_policy(text, level):
    assert check_text(text).violations(level) == []


@pytest.mark.parametrize(
    ("text", "level", "expected"),
    [
        (GOOD, 5, ["expected only the good side; also found: noise"]),
        (GOOD, 3, ["expected only the bad side; also found: sharpness"]),
        (GOOD, 1, ["expected only the bad side; also found: sharpness"]),
        (HIGH, 4, ["expected a bad side", "expected a turn"]),
        (LOW, 4, ["expected a good side", "expected a turn"]),
        ("The picture is sharp and noisy.", 4, ["expected a turn"]),
    ],
)
def test_a_tone_against_the_policy_is_reported_with_the_expected_one(text, level, expected):
    assert check_text(text).violations(level) == expected


@pytest.mark.parametrize("level", range(1, 6))
def test_a_text_without_findings_is_not_evaluated(level):
    findings = check_text(OTHER)
    assert findings.sides == {}
    assert findings.violations(level) == []
    assert findings.misplaced(level) == []


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("There is extremely severe noise.", {1, 2}),
        ("There is relatively severe noise.", {1, 2, 3}),
        ("There is slight noise.", {1, 2, 3, 4, 5}),
        ("The sharpness is good.", {4, 5}),
        ("The sharpness is excellent.", {5}),
    ],
)
def test_degrees_are_compared_with_the_levels_of_table_12(text, fitting):
    findings = check_text(text)
    assert len(findings.degrees) == 1
    assert {level for level in range(1, 6) if not findings.misplaced(level)} == fitting


def test_a_temporal_description_is_found():
    assert check_text(GOOD).timed
    assert not check_text("The picture is sharp. However, there is slight noise.").timed


def test_an_attribute_called_both_good_and_bad_has_no_side():
    text = "The picture is sharp at the beginning. However, the picture is blurry at the end."
    assert check_text(text).sides == {"sharpness": 0}


def test_generated_depictions_follow_the_policy_of_their_own_level_only():
    overall = [row for row in depictions(1_000, seed=5) if row["kind"] == "overall"]
    assert len(overall) > 500
    for row in overall:
        findings, level = check_text(row["text"]), row["level"]
        assert not findings.violations(level), row["text"]
        assert findings.misplaced(level) == [], row["text"]
        if level != 3:
            assert findings.violations(6 - level), row["text"]
