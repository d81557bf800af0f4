"""qbuild/cli/commands/pipelines.py: run, graph and status."""

from __future__ import annotations

import pytest


def test_run_prints_a_line_a_step_with_state_reason_and_rows(pipeline, qbuild_cli):
    done = qbuild_cli("run", pipeline, "--workdir", "work")
    assert done.code == 0
    lines = done.out.splitlines()
    assert len(lines) == 4
    assert lines[3] == "artifacts are in work"
    assert lines[0].startswith("ratings  ingest-ratings  5 rows, ")
    assert lines[0].endswith(" s  ran (missing: ratings.parquet)")


def test_run_twice_runs_nothing(work, pipeline, qbuild_cli):
    done = qbuild_cli("run", pipeline, "--workdir", work, "--json")
    assert [step["ran"] for step in done.json["steps"]] == [False] * 3
    assert done.json["complete"]
    *lines, last = qbuild_cli("run", pipeline, "--workdir", work).out.splitlines()
    assert all(line.endswith("  up to date") for line in lines)
    assert last == f"all steps in {work} are up to date; nothing ran"


def test_run_works_below_work_and_the_name_of_the_pipeline(pipeline, qbuild_cli):
    assert qbuild_cli("run", pipeline.name).code == 0
    assert (pipeline.parent / "work/toy/pairs.parquet").is_file()


def test_dry_run_runs_nothing_and_reports_what_would_run_and_why(pipeline, qbuild_cli):
    done = qbuild_cli("run", pipeline, "--dry-run", "--workdir", "work")
    assert done.code == 0
    assert "levels   mos-to-levels   would run (missing: levels.parquet)" in done.out
    assert not (pipeline.parent / "work").exists()
    printed = qbuild_cli("run", pipeline, "--dry-run", "--workdir", "work", "--json").json
    assert printed["steps"][0]["reasons"] == [{"kind": "missing", "detail": "ratings.parquet"}]


def test_an_option_change_names_old_and_new_value(work, pipeline, qbuild_cli):
    pipeline.write_text(pipeline.read_text().replace("words: itu", "words: vqa2"))
    done = qbuild_cli("run", pipeline, "--workdir", work, "--dry-run")
    assert "would run (option changed: words: itu → vqa2)" in done.out
    assert "would run (upstream: levels)" in done.out


def test_force_runs_the_step_again(work, pipeline, qbuild_cli):
    done = qbuild_cli("run", pipeline, "--workdir", work, "--force", "levels", "--json").json
    assert [step["ran"] for step in done["steps"]] == [False, True, False]
    assert done["steps"][1]["reasons"] == [{"kind": "forced", "detail": ""}]


def test_force_of_no_step_is_a_usage_error(work, pipeline, qbuild_cli):
    done = qbuild_cli("run", pipeline, "--workdir", work, "--force", "level", "--json")
    assert done.code == 2
    assert done.error["todo"] == "Did you mean levels?"


def test_run_prints_the_warnings_of_each_step_that_ran(pipeline, qbuild_cli):
    done = qbuild_cli("run", pipeline)
    assert "warning: levels: toy: only 5 rows; five levels of so few are not stable\n" in done.err
    assert "warning" not in done.out
    assert "warning" not in qbuild_cli("run", pipeline).err  # where nothing runs


def test_the_error_of_a_step_names_it(pipeline, qbuild_cli):
    (pipeline.parent / "toy.csv").write_text("image,mos\na.jpg,1\nb.jpg,1\n")
    done = qbuild_cli("run", pipeline)
    assert done.code == 1
    assert done.err.startswith(
        "error: step levels: toy: all scores are equal (1); levels need a range"
    )
    printed = qbuild_cli("run", pipeline, "--json").json["error"]
    assert printed["where"] == "step levels: toy"


@pytest.mark.parametrize("flag", ["--json", "--dry-run"])
def test_a_missing_root_is_rejected_before_any_step(pipeline, qbuild_cli, flag):
    pipeline.write_text(pipeline.read_text() + "roots: {toy: nowhere}\n")
    done = qbuild_cli("run", pipeline, "--workdir", "work", flag, "--json")
    assert done.code == 2
    assert done.error["where"] == f"{pipeline}: roots: toy"
    assert done.error["what"] == f"no such folder: '{pipeline.parent / 'nowhere'}'"
    assert not (pipeline.parent / "work").exists()
    other = qbuild_cli(
        "run", pipeline, "--workdir", "work", "--media-root", f"toy={pipeline.parent}"
    )
    assert other.code == 0


def test_ray_is_a_missing_part(pipeline, qbuild_cli):
    done = qbuild_cli("run", pipeline, "--executor", "ray", "--json")
    assert done.code == 5
    assert done.error["code"] == "missing-part"


@pytest.mark.parametrize("command", ["run", "graph", "status"])
def test_a_pipeline_that_is_not_a_graph_ends_with_code_4(pipeline, qbuild_cli, command):
    pipeline.write_text(pipeline.read_text().replace("[toy.csv]", "[pairs]"))
    done = qbuild_cli(command, pipeline, "--json")
    assert done.code == 4
    assert done.error["what"].startswith("has a cycle: ")


@pytest.mark.parametrize("command", ["run", "graph", "status"])
def test_a_missing_pipeline_ends_with_code_1(qbuild_cli, command):
    done = qbuild_cli(command, "demmo", "--json")
    assert done.code == 1
    assert done.error["todo"] == "Did you mean demo, demo-train?"


def test_a_missing_input_ends_with_code_1_before_any_step(pipeline, qbuild_cli):
    (pipeline.parent / "toy.csv").unlink()
    for flag in ("--json", "--dry-run"):
        done = qbuild_cli("run", pipeline, flag, "--json")
        assert done.code == 1
        assert "'toy.csv' is neither a step nor a file" in done.error["what"]


def test_too_many_rejections_end_with_code_1_and_are_allowed_on_demand(pipeline, qbuild_cli):
    scores = pipeline.parent / "toy.csv"
    scores.write_text(scores.read_text() + "x.jpg,none\n")
    done = qbuild_cli("run", pipeline)
    assert done.code == 1
    assert "1 of 6 rows rejected" in done.err
    done = qbuild_cli("run", pipeline, "--max-reject-share", "0.5")
    assert done.code == 0
    assert "5 rows, 1 rejected" in done.out


def test_a_pipeline_that_stops_early_ends_with_code_1(tmp_path, qbuild_cli, monkeypatch):
    import toys

    monkeypatch.setattr("qbuild.cli.commands.pipelines.STAGES", dict.fromkeys(toys.TOYS, ("", "")))
    monkeypatch.setattr("qbuild.cli.commands.pipelines.get_stage", toys.TOYS.__getitem__)
    (tmp_path / "scores.txt").write_text("1 2 3")
    (tmp_path / "p.yaml").write_text(
        "steps:\n"
        "- {id: ratings, stage: read, inputs: [scores.txt]}\n"
        "- {id: echo, stage: echo, inputs: [ratings], options: {stop_after: 1}}\n"
        "- {id: below, stage: scale, inputs: [echo]}\n"
    )
    done = qbuild_cli("run", tmp_path / "p.yaml", "--workdir", tmp_path / "work")
    assert done.code == 1
    assert "incomplete: echo stopped early, no step after it ran" in done.out
    printed = qbuild_cli("run", tmp_path / "p.yaml", "--workdir", tmp_path / "work", "--json")
    assert printed.code == 1
    assert not printed.json["complete"]


def test_status_shows_up_to_date_steps_and_ends_with_code_0(work, pipeline, qbuild_cli):
    (work / "pairs.parquet").unlink()
    done = qbuild_cli("status", pipeline, "--workdir", work)
    assert done.code == 0
    header, ratings, _, pairs = done.out.splitlines()
    assert header.split() == ["step", "stage", "rows", "rejected", "content", "state"]
    assert ratings.endswith("  up to date")
    assert pairs.endswith("  missing: pairs.parquet")
    steps = qbuild_cli("status", pipeline, "--workdir", work, "--json").json["steps"]
    assert [step["rows"] for step in steps] == [5, 5, None]
    assert steps[0]["content_hash"].startswith("sha256:")


def test_status_works_where_nothing_was_run_and_inputs_are_gone(pipeline, qbuild_cli):
    (pipeline.parent / "toy.csv").unlink()
    assert qbuild_cli("status", pipeline).code == 0


def test_graph_draws_files_and_steps_as_mermaid(pipeline, qbuild_cli):
    done = qbuild_cli("graph", pipeline)
    assert done.out.splitlines() == [
        "flowchart LR",
        '    f0[/"toy.csv"/]',
        '    s0["ratings<br/>ingest-ratings"]',
        '    s1["levels<br/>mos-to-levels"]',
        '    s2["pairs<br/>scoring-qa"]',
        "    f0 --> s0",
        "    s0 --> s1",
        "    s1 --> s2",
    ]


def test_graph_escapes_what_means_something_in_a_label(pipeline, qbuild_cli):
    pipeline.write_text(pipeline.read_text().replace("[toy.csv]", "['a \"b\"]<#1>`.csv']"))
    assert '[/"a #34;b#34;]#60;#35;1#62;#96;.csv"/]' in qbuild_cli("graph", pipeline).out


def test_graph_as_a_tree_marks_up_to_date_steps(work, pipeline, qbuild_cli):
    (work / "pairs.parquet").unlink()
    done = qbuild_cli("graph", pipeline, "--format", "text", "--workdir", work)
    assert done.out.splitlines() == [
        "pairs: scoring-qa [would run]",
        "└─ levels: mos-to-levels [up to date]",
        "   └─ ratings: ingest-ratings [up to date]",
        "      └─ toy.csv",
    ]


def test_graph_as_json_lists_steps_and_edges(pipeline, qbuild_cli):
    printed = qbuild_cli("graph", pipeline, "--json").json
    assert printed["steps"][0] == {"id": "ratings", "stage": "ingest-ratings"}
    assert printed["edges"][0] == {"from": "toy.csv", "to": "ratings"}


def test_a_step_that_two_others_read_is_drawn_out_once(pipeline, qbuild_cli):
    pipeline.write_text(
        pipeline.read_text() + "  - {id: more, stage: scoring-qa, inputs: [levels]}\n"
    )
    lines = qbuild_cli("graph", pipeline, "--format", "text").out.splitlines()
    assert lines[-1] == "└─ levels: mos-to-levels (above)"
