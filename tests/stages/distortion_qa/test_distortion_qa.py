"""qbuild/stages/distortion_qa/__init__.py: pairs about distortions, and their balance."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import distorted
import jsonschema
import pyarrow as pa
import pytest
import tables
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from running import rejected_of, run_stage

from qbuild.core.artifact.reader import Artifact, rejected_path
from qbuild.core.errors import InputError, SchemaError, UsageError
from qbuild.core.inspect.validate import validate
from qbuild.core.media_roots import MediaRoots
from qbuild.core.schema import load_schema
from qbuild.quality.distortions import DISTORTIONS, MOTION, SPATIAL
from qbuild.stages import get_stage
from qbuild.stages.distortion_qa import STAGE, DistortionOptions
from qbuild.stages.distortion_qa.questions import SEVERITY_WORDS, spoken

KADID = "scores/meta_info_KADID10kDataset.csv"


def ask(tmp_path, rows, share=1.0, **given):
    """Run the stage on rows or label files; the result and the pairs as an artifact."""
    if not isinstance(rows, Path):
        table = distorted.table(rows)
        rows = tables.write_artifact(tmp_path / "d.parquet", table, "distortion", "corrupt")
    output = tmp_path / "pairs.parquet"
    result = run_stage(STAGE, rows, output, share=share, **given)
    return result, Artifact.open(output)


def pairs(tmp_path, rows, **given):
    return ask(tmp_path, rows, **given)[1].table().to_pylist()


def question(pair):
    return pair["turns"][0]["parts"][1]["text"]


def answer(pair):
    """The text of the right choice, without its letter."""
    return pair["options"]["ABCDE".index(pair["answer_key"])]


def form(pair):
    if set(pair["options"]) == {"Yes", "No"}:
        return "binary"
    return "severity" if set(pair["options"]) == set(SEVERITY_WORDS) else "which"


def subject(pair):
    """The distortion that a yes/no question asks about: the longest name in it."""
    return max((name for name in DISTORTIONS if spoken(name) in question(pair)), key=len)


def mixed(count=120):
    """Images and videos with one or two distortions, without any, with labels outside."""
    rows = []
    for at in range(count):
        ending = ("jpg", "mp4")[at % 5 == 0]
        names = [SPATIAL[at % 11]] + [SPATIAL[(at * 3 + 1) % 11]] * (at % 4 == 1)
        names = list(dict.fromkeys(names)) if at % 7 else []
        others = ["fog"] * (at % 13 == 0)
        severity = at % 5 + 1 if at % 3 else None
        rows.append(distorted.row(f"{at}.{ending}", *names, severity=severity, others=others))
    return rows


# ------------------------------------------------------------------------------------------ form


def test_a_pair_asks_with_choices_and_answers_with_a_letter(tmp_path):
    rows = [distorted.row("a.jpg", "noise", severity=5, sha256="0" * 64, split="train")]
    (pair,) = pairs(tmp_path, rows, forms="severity")
    medium, text = pair["turns"][0]["parts"]
    assert medium["media"] == 0
    lines = text["text"].split("\n")
    assert lines[0] == ""
    assert "noise" in lines[1]
    assert lines[2:] == [f"{n}. {o}" for n, o in zip("ABCDE", pair["options"], strict=True)]
    (reply,) = pair["turns"][1]["parts"]
    assert reply["text"] == f"{pair['answer_key']}. Extremely severe"
    assert reply["text"] in lines
    assert (pair["task"], pair["split"]) == ("distortion", "train")
    assert pair["media"][0]["sha256"] == "0" * 64


@pytest.mark.parametrize(
    ("source", "made_from", "origin", "parents"),
    [
        ("synthetic: corrupt", "d:clean.jpg", "synthetic", ["d:a.jpg", "d:clean.jpg"]),
        ("A study", None, None, ["d:a.jpg"]),
    ],
)
def test_the_parents_of_a_pair_are_its_medium_and_the_source_of_it(
    tmp_path, source, made_from, origin, parents
):
    rows = [distorted.row("a.jpg", "noise", source=source, source_media_id=made_from)]
    (pair,) = pairs(tmp_path, rows)
    assert pair["provenance"]["parents"] == parents
    assert pair["provenance"]["origin"] == origin
    assert pair["provenance"]["stage"] == "distortion-qa"
    assert set(pair["labels"].values()) == {None}


def test_rows_are_valid_by_the_schema_and_by_jsonschema(tmp_path):
    _, artifact = ask(tmp_path, mixed(), pairs=3)
    assert validate(artifact.path, MediaRoots({})).total == 0
    oracle = jsonschema.Draft202012Validator(artifact.schema.document)
    rows = artifact.table().to_pylist()
    assert not [error.message for row in rows for error in oracle.iter_errors(row)]
    assert len({row["sample_id"] for row in rows}) == len(rows)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_medium_has_at_most_the_requested_pairs_each_of_another_form(tmp_path, count):
    forms = defaultdict(list)
    for pair in pairs(tmp_path, mixed(), pairs=count):
        forms[pair["media"][0]["media_id"]].append(form(pair))
    assert max(map(len, forms.values())) == count
    assert all(len(set(each)) == len(each) for each in forms.values())


def test_every_answer_agrees_with_the_labels(tmp_path):
    rows = {row["media_id"]: row for row in mixed()}
    for pair in pairs(tmp_path, list(rows.values()), pairs=3):
        row = rows[pair["media"][0]["media_id"]]
        has = {one["name"]: one["severity"] for one in row["distortions"]}
        if form(pair) == "binary":
            assert answer(pair) == ("Yes" if subject(pair) in has else "No")
        elif form(pair) == "which":
            present = {spoken(name).capitalize() for name in has}
            assert set(pair["options"]) & present == {answer(pair)}
        else:
            assert answer(pair) == SEVERITY_WORDS[has[subject(pair)] - 1]


def test_images_are_never_asked_about_motion(tmp_path):
    rows = [distorted.row(f"{at}.jpg", SPATIAL[at % 11]) for at in range(200)]
    rows += [distorted.row(f"{at}.mp4", DISTORTIONS[at % 13]) for at in range(200)]
    texts = {"image": "", "video": ""}
    for pair in pairs(tmp_path, rows, pairs=3):
        texts[pair["media"][0]["kind"]] += question(pair).lower()
    for name in MOTION:
        assert spoken(name) not in texts["image"]
        assert spoken(name) in texts["video"]


def test_an_implied_distortion_is_not_asked_about_as_absent(tmp_path):
    rows = [distorted.row(f"{at}.jpg", "compression artifact") for at in range(300)]
    for pair in pairs(tmp_path, rows, pairs=3):
        assert "block effect" not in question(pair).lower()


def test_only_judged_distortions_are_asked_about(tmp_path):
    rows = [
        distorted.row(f"{at}.jpg", "noise", judged=["noise", "motion blur"]) for at in range(40)
    ]
    made = pairs(tmp_path, rows, pairs=3)
    assert {form(pair) for pair in made} == {"binary", "severity"}  # fewer than three are absent
    assert {subject(p) for p in made if answer(p) == "No"} == {"motion blur"}


# --------------------------------------------------------------------------------------- balance

labelled = st.lists(
    st.tuples(
        st.sets(st.sampled_from(DISTORTIONS[:6]), max_size=2),
        st.sampled_from(["jpg", "mp4"]),
        st.one_of(st.none(), st.integers(1, 5)),
        st.one_of(st.none(), st.sets(st.sampled_from(DISTORTIONS), max_size=6)),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(labelled, st.integers(0, 5), st.integers(1, 3))
def test_answers_and_letters_are_balanced_for_any_labels(labels, seed, count):
    rows = [
        distorted.row(
            f"{at}.{ending}", *sorted(names), severity=severity,
            judged=None if judged is None else sorted(judged),
        )
        for at, (names, ending, severity, judged) in enumerate(labels)
    ]  # fmt: skip
    rows.append(distorted.row("sure.jpg", "noise"))
    with tempfile.TemporaryDirectory() as folder:
        made = pairs(Path(folder), rows, seed=seed, pairs=count)
    asked = [pair for pair in made if form(pair) == "binary"]
    answers = Counter(answer(pair) for pair in asked)
    assert abs(answers["Yes"] - answers["No"]) <= 1
    letters = Counter(pair["answer_key"] for pair in asked)
    assert abs(letters["A"] - letters["B"]) <= 1
    letters = Counter(pair["answer_key"] for pair in made if form(pair) == "which")
    assert max(letters.values(), default=0) - min(letters[n] for n in "ABCD") <= 1
    letters = Counter(pair["answer_key"] for pair in made if form(pair) == "severity")
    assert abs(letters["A"] - letters["E"]) <= 1
    assert abs(letters["B"] - letters["D"]) <= 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 12), min_size=8, max_size=8), st.integers(0, 99))
def test_each_distortion_is_affirmed_as_often_as_denied_if_none_dominates(counts, seed):
    """No distortion has more than a third of the media, so that others can deny it."""
    names = ["noise", "spatial blur", "motion blur", "overexposure", "underexposure",
             "oversaturation", "desaturation", "compression artifact"]  # fmt: skip
    assume(0 < 3 * max(counts) <= sum(counts))
    rows = [
        distorted.row(f"{name} {at}.jpg", name)
        for name, count in zip(names, counts, strict=True)
        for at in range(count)
    ]
    with tempfile.TemporaryDirectory() as folder:
        result, _ = ask(Path(folder), rows, seed=seed, forms="binary")
    counts = result.report["distortions"].values()
    assert sum(one["yes"] for one in counts) == len(rows) // 2
    gaps = [abs(one["yes"] - one["no"]) for one in counts]
    assert sum(gaps) == len(rows) % 2


def test_a_distortion_is_a_wrong_choice_three_times_as_often_as_the_right_one(tmp_path):
    names = ["noise", "spatial blur", "motion blur", "overexposure", "underexposure"]
    rows = [distorted.row(f"{at}.jpg", names[at % 5]) for at in range(100)]
    made = pairs(tmp_path, rows, forms="which")
    shown = Counter(option for pair in made for option in pair["options"])
    assert Counter(map(answer, made)) == {name.capitalize(): 20 for name in names}
    assert shown == {name.capitalize(): 80 for name in names}


def test_clean_media_deny_what_others_affirm(tmp_path):
    rows = [distorted.row(f"{at}.jpg", "noise") for at in range(50)]
    rows += [distorted.row(f"{at}.png") for at in range(50)]
    result, _ = ask(tmp_path, rows, forms="binary")
    assert result.report["distortions"] == {
        "noise": {"yes": 50, "no": 50, "which": 0, "severity": 0}
    }


def test_media_that_would_unbalance_the_answers_are_skipped_and_counted(tmp_path):
    rows = [distorted.row(f"{at}.png") for at in range(50)] + [distorted.row("a.jpg", "noise")]
    result, _ = ask(tmp_path, rows, forms="binary")
    assert result.rows == 3
    assert result.report["left_out"] == {"surplus": 48}


# -------------------------------------------------------------------------------------- left out


def test_media_that_allow_no_question_are_skipped_with_the_reason_and_the_label(tmp_path):
    rows = [
        distorted.row("a.jpg", "noise", severity=None),
        distorted.row("b.jpg", others=["fog", "snow"]),
        distorted.row("c.jpg", others=["fog"]),
        distorted.row("d.jpg", judged=[]),
        distorted.row("e.jpg"),
    ]
    result, artifact = ask(tmp_path, rows, forms="which,severity")
    assert (result.rows, result.rejected) == (1, 0)
    assert result.report["left_out"] == {"outside": 2, "unaskable": 1, "unlabelled": 1}
    assert result.report["labels_outside"] == {"fog": 2, "snow": 1}
    assert not rejected_path(artifact.path).exists()
    text = STAGE.render(result.report)
    assert "which 1, severity 0" in text
    assert "2 media left out with labels outside the thirteen only\n    fog 2, snow 1" in text


def test_no_question_at_all_is_an_error_with_the_reasons(tmp_path):
    with pytest.raises(InputError, match="no question can be asked: 1 medium with labels outside"):
        ask(tmp_path, [distorted.row("b.jpg", others=["fog"])])


def test_a_medium_judged_for_nothing_else_gets_only_yes_questions(tmp_path):
    rows = [distorted.row("a.jpg", "noise", judged=[])]
    (pair,) = pairs(tmp_path, rows, forms="binary")
    assert (subject(pair), answer(pair)) == ("noise", "Yes")


def test_rows_that_all_conflict_are_reported_as_rejected(tmp_path):
    rows = [distorted.row("b.jpg", "noise"), distorted.row("b.jpg", "motion blur")]
    with pytest.raises(InputError, match=r"no usable row \(2 of 2 rejected: 2 . conflict"):
        ask(tmp_path, rows)


def test_identical_rows_collapse_and_conflicting_ones_are_rejected(tmp_path):
    rows = [distorted.row("a.jpg", "noise"), distorted.row("a.jpg", "noise", source_row=2)]
    rows += [distorted.row("b.jpg", "noise"), distorted.row("b.jpg", "motion blur")]
    result, artifact = ask(tmp_path, rows)
    assert (result.rows, result.rejected, result.report["collapsed"]) == (1, 2, 1)
    assert [row["reason"] for row in rejected_of(artifact.path)] == ["conflict", "conflict"]


# ------------------------------------------------------------------------------------- sameness


def test_one_hash_at_any_batch_size_and_number_of_workers(tmp_path):
    hashes = set()
    for batch_rows, workers in [(1, 1), (7, 1), (65_536, 1), (7, 2), (65_536, 2)]:
        _, made = ask(tmp_path, mixed(), batch_rows=batch_rows, workers=workers, pairs=2)
        hashes.add(hashlib.sha256(made.path.read_bytes()).hexdigest())
    assert len(hashes) == 1


@pytest.mark.parametrize("count", [1, 3])
def test_shuffled_media_give_the_same_set_of_pairs(tmp_path, count):
    rows = mixed()
    shuffled = [rows[at * 7 % len(rows)] for at in range(len(rows))]
    first, second = (
        sorted(json.dumps(pair) for pair in pairs(tmp_path, given, pairs=count))
        for given in (rows, shuffled)
    )
    assert first == second


def test_the_seed_chooses_other_pairs_and_the_same_seed_the_same(tmp_path):
    first, again, other = (
        {pair["sample_id"] for pair in pairs(tmp_path, mixed(), seed=seed)} for seed in (1, 1, 2)
    )
    assert first == again
    assert len(first & other) < len(first) / 2


def test_limit_asks_about_the_first_media(tmp_path):
    made = pairs(tmp_path, mixed(), limit=10)
    assert {pair["media"][0]["path"].partition(".")[0] for pair in made} <= set(map(str, range(10)))


# ------------------------------------------------------------------------------ inputs, outputs


def test_label_files_are_read_by_the_stage_itself(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("image,labels\na.jpg,noise\nb.jpg,blur\nc,blur\nd.jpg,noisse\n")
    result, _ = ask(tmp_path, path, dataset="mine")
    assert (result.rows, result.rejected) == (2, 1)
    assert result.report["notes"] == [
        "x.csv: 'noisse' (1 row) is none of the thirteen; similar: noise"
    ]


def test_options_of_label_files_are_rejected_with_artifacts_only(tmp_path):
    with pytest.raises(UsageError, match="--threshold: applies to label files"):
        ask(tmp_path, mixed(5), threshold=0.7)


def test_an_artifact_of_another_schema_is_rejected(tmp_path):
    given = tables.write_artifact(tmp_path / "r.parquet", tables.rating_table(2))
    with pytest.raises(SchemaError, match="expected schema distortion or corruption or clip"):
        ask(tmp_path, given)


def test_images_made_by_corrupt_are_read_with_their_distortions(tmp_path):
    own = {
        "family": "vqa2", "engine": "qbuild", "corruption": "noise", "severity": 4,
        "seed": "0" * 16, "parameters": [], "source_path": "clean.png",
        "source_sha256": "0" * 64, "width": 8, "height": 8, "psnr": 20.0, "ssim": 0.5,
    }  # fmt: skip
    row = {**distorted.row("a.png", "noise", severity=4), **own}
    table = pa.Table.from_pylist([row], schema=load_schema("corruption").arrow)
    given = tables.write_artifact(tmp_path / "c.parquet", table, "corruption", "corrupt")
    (pair,) = pairs(tmp_path, given, forms="severity")
    assert (subject(pair), answer(pair)) == ("noise", SEVERITY_WORDS[3])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"forms": "binary,open"}, "expected some of binary, which, severity"),
     ({"forms": ""}, "expected some of"), ({"forms": "which,which"}, "each once"),
     ({"pairs": 0}, "greater than or equal to 1"), ({"pairs": 4}, "less than or equal to 3")],
)  # fmt: skip
def test_options_that_are_not_valid_are_rejected(options, message):
    with pytest.raises(ValueError, match=message):
        DistortionOptions(**options)


def test_the_order_in_which_forms_are_named_does_not_matter():
    assert DistortionOptions(forms="severity, binary") == DistortionOptions(forms="binary,severity")


def test_pairs_are_exported_as_llava_records(tmp_path):
    _, made = ask(tmp_path, mixed(), pairs=2)
    export = get_stage("export")
    run_stage(export, made.path, tmp_path / "train")
    records = json.loads((tmp_path / "train/llava.json").read_text())
    assert len(records) == made.rows
    by_id = {pair["sample_id"]: pair for pair in made.table().to_pylist()}
    for record in records:
        asked, reply = (turn["value"] for turn in record["conversations"])
        assert asked == f"<image>{question(by_id[record['id']])}"
        assert reply in asked.split("\n")


def test_q_align_records_need_a_score_that_these_pairs_do_not_have(tmp_path):
    _, made = ask(tmp_path, [distorted.row("a.jpg", "noise")])
    export = get_stage("export")
    with pytest.raises(InputError, match="missing-mos"):
        run_stage(export, made.path, tmp_path / "train", format="q-align")


# ----------------------------------------------------------------------------------------- KADID


def test_kadid_gives_pairs_of_every_mapped_type(data_folder, tmp_path):
    result, made = ask(tmp_path, data_folder / KADID)
    report = result.report
    assert (result.rows, result.rejected) == (5_832, 0)
    assert report["forms"] == {"binary": 1_944, "which": 1_944, "severity": 1_944}
    assert report["left_out"] == {"outside": 4_293}
    assert set(report["distortions"]) == set(SPATIAL)
    totals = {name: one["yes"] + one["which"] + one["severity"]
              for name, one in report["distortions"].items()}  # fmt: skip
    assert sum(totals.values()) == 5_832 - 972  # the others deny
    for one in report["distortions"].values():
        assert one["yes"] == one["no"]
    assert set(report["letters"]["which"].values()) == {486}
    media = [one[0]["media_id"] for one in made.table(["media"]).column("media").to_pylist()]
    assert len(set(media)) == len(media)
