"""Normalise opinion scores and cut them into five levels.

Reads `rating` artifacts or rating files, several at once; writes `level` rows. Each dataset has its
own range: scores are cut at `numpy.linspace(low, high, 6)` and mapped to [0, 100].
Source: VQA² section 3.3 (words, [0, 100]), Q-Align section 3.2 and Eq. 1 (ITU words, intervals
closed on the right), the trimmed range from the words published for KonIQ (docs/levels.md).
"""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from qbuild.core.engine.stage import Batch, Inputs, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.plural import format_collapsed, format_figure, plural
from qbuild.core.rows.rejections import merge_rejections
from qbuild.labels.ratings import read_rating_files
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.tables.options import reject_file_options
from qbuild.quality.published_text import LEVEL_WORDS, WordSet

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from qbuild.quality.arrays import Floats, Ints
    from qbuild.quality.ranges import LevelState

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_LOW_HIGH = re.compile(rf"({_NUMBER}):({_NUMBER})", re.ASCII)
SMALL_SET = 100
NO_PROBS = {"votes": "no votes of five categories", "normal": "no mos_std"}


class LevelOptions(RatingOptions):
    """How scores become levels; the options of rating files apply to inputs that are files."""

    words: WordSet = Field(
        default="vqa2", description="vqa2: Low Poor Fair Good High; itu: bad … excellent."
    )
    range: str = Field(default="observed", description="observed, declared, trimmed:Q or LOW:HIGH.")
    closed: Literal["right", "left"] = Field(
        default="right", description="Side on which intervals include their edge."
    )
    outside: Literal["auto", "clamp", "reject"] = Field(
        default="auto",
        description="Scores outside the range; auto rejects for declared, else clamps.",
    )
    probs: Literal["none", "votes", "normal"] = Field(
        default="none",
        description="Level probabilities: from five vote categories, or from MOS and SD.",
    )

    @field_validator("range")
    @classmethod
    def _valid_range(cls, text: str) -> str:
        parse_range(text)
        return text

    @property
    def clamps(self) -> bool:
        """Whether scores outside the range get the first or last level."""
        return self.outside == "clamp" or (self.outside == "auto" and self.range != "declared")


def parse_range(text: str) -> tuple[str, tuple[str, ...]]:
    """The rule and its numbers, as written; ValueError with the expected form."""
    if text in ("observed", "declared"):
        return text, ()
    if text.startswith("trimmed:"):
        share = text.removeprefix("trimmed:")
        try:
            valid = Decimal(0) <= Decimal(share) < Decimal("0.5")
        except InvalidOperation:
            valid = False
        if not valid:
            raise ValueError(f"trimmed takes a share from 0 to below 0.5, not {share!r}")
        return "trimmed", (share,)
    numbers = _LOW_HIGH.fullmatch(text)
    if numbers is None:
        raise ValueError("expected observed, declared, trimmed:Q or LOW:HIGH")
    low, high = float(numbers[1]), float(numbers[2])
    if not math.isfinite(high - low):
        raise ValueError("expected finite LOW and HIGH with a finite difference")
    if not low < high:
        raise ValueError(f"LOW must be less than HIGH, {numbers[1]} is not less than {numbers[2]}")
    return "fixed", (numbers[1], numbers[2])


def prepare(inputs: Inputs, options: LevelOptions) -> LevelState:
    """The range of each dataset, and the duplicates."""
    from qbuild.quality.ranges import prepare_levels

    if not inputs.files:
        reject_file_options(options, RatingOptions, "mos-to-levels")
    return prepare_levels(inputs, parse_range(options.range))


def transform(batch: Batch, state: LevelState, options: LevelOptions) -> Output:
    """The batch's rows with mos_norm, level, word and level_probs; scores outside are rejected."""
    import numpy as np
    import pyarrow as pa

    from qbuild.quality.levels import cut_levels, normalise

    rows, positions, rejections, tally = state.deduplicate(batch)
    codes, scores = state.codes(rows), rows.column("mos").to_numpy()
    edges = state.edges_of(codes)
    outside = (scores < edges[0]) | (scores > edges[5])
    if outside.any():
        state.count(tally, "clamped" if options.clamps else "rejected", codes[outside])
        if not options.clamps:
            rejected = state.reject_outside(rows.filter(pa.array(outside)))
            rejections.append((positions[outside], rejected))
            rows, codes, scores = rows.filter(pa.array(~outside)), codes[~outside], scores[~outside]
            edges = state.edges_of(codes)
    level = cut_levels(scores, edges, options.closed)
    _count_flips(tally, rows, level, edges, state, codes, options)
    state.count_levels(tally, codes, level)
    words = pa.array(LEVEL_WORDS[options.words])
    columns = {
        "mos_norm": pa.array(normalise(scores, edges[0], edges[5])),
        "level": pa.array(level),
        "word": pa.DictionaryArray.from_arrays(pa.array(level.astype(np.int32) - 1), words),
        "level_probs": _probabilities(rows, edges, options.probs),
    }
    if options.probs != "none":
        unknown = columns["level_probs"].is_null().to_numpy(zero_copy_only=False)
        state.count(tally, "unknown", codes[unknown])
    for name, column in columns.items():
        rows = rows.append_column(name, column)
    return Output(rows=rows, rejected=merge_rejections(rejections), tally=tally)


def finish(state: LevelState, tally: Tally, options: LevelOptions) -> dict[str, Any]:
    """Per dataset: rows, range, SRCC, PLCC, rows per level, clamped, rejected, uncertain."""
    words = LEVEL_WORDS[options.words]
    datasets = state.figures(tally, words, options.closed, inside=not options.clamps)
    return {
        "datasets": datasets,
        "collapsed": tally["collapsed"],
        "notes": list(tally.of("note")),
        "warnings": _warnings(datasets, state, tally, options),
    }


def render(report: dict[str, Any]) -> str:
    """Range and agreement of each dataset, uncertain rows, rows per level."""
    lines = []
    for figures in report["datasets"]:
        counts = figures["levels"]  # in any order, where the report was read from a description
        words = next((w for w in LEVEL_WORDS.values() if counts.keys() == set(w)), counts)
        levels = "  ".join(f"{word} {counts[word]:,}" for word in words)
        lines.append(
            f"{figures['dataset']}: {plural(figures['rows'], 'row')}"
            f" on [{figures['low']:g}, {figures['high']:g}]"
            f"  SRCC {format_figure(figures['srcc'])}  PLCC {format_figure(figures['plcc'])}"
            f"\n    {figures['clamped']:,} clamped"
            f"  {figures['rejected']:,} rejected as outside or in conflict"
            f"  levels uncertain within one standard error {format_figure(figures['flip_share'])}"
            f"\n    {levels}"
        )
    lines += format_collapsed(report["collapsed"], "identical duplicate")
    return "\n".join([*lines, *report["notes"]])


def _count_flips(
    tally: Tally,
    rows: pa.Table,
    level: NDArray[np.int8],
    edges: Floats,
    state: LevelState,
    codes: Ints,
    options: LevelOptions,
) -> None:
    """Count rows that have a standard error (SD/√n), and those whose level changes within it."""
    import numpy as np

    from qbuild.quality.levels import cut_levels

    std, number = rows.column("mos_std"), rows.column("num_ratings")
    if std.null_count == len(rows) or number.null_count == len(rows):
        return
    scores = rows.column("mos").to_numpy()
    with np.errstate(invalid="ignore"):
        error = std.to_numpy() / np.sqrt(number.to_numpy())
        lower = cut_levels(scores - error, edges, options.closed)
        upper = cut_levels(scores + error, edges, options.closed)
    known = ~np.isnan(error)
    state.count(tally, "errors", codes[known])
    state.count(tally, "flips", codes[((lower != level) | (upper != level)) & known])


def _probabilities(rows: pa.Table, edges: Floats, kind: str) -> Any:
    """A list of five probabilities per row, null where they are unknown."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from qbuild.core.schema.arrow_lists import lists
    from qbuild.quality.levels import normal_probabilities, vote_probabilities

    type_ = pa.list_(pa.float64())
    if kind == "none" or not len(rows):
        return pa.nulls(len(rows), type_)
    if kind == "votes":
        votes = rows.column("votes").combine_chunks()
        of_five = pc.fill_null(pc.equal(pc.list_value_length(votes), 5), False)
        known = of_five.to_numpy(zero_copy_only=False)
        counts = pc.list_flatten(votes.filter(of_five)).to_numpy().reshape(-1, 5)
        voted = counts.sum(axis=1) > 0
        known[known], counts = voted, counts[voted]
        shares = vote_probabilities(counts)
    else:
        std, scores = rows.column("mos_std").to_numpy(), rows.column("mos").to_numpy()
        known = ~np.isnan(std)
        known_edges = np.broadcast_to(edges, (6, len(known)))[:, known]
        shares = normal_probabilities(scores[known], std[known], known_edges)
    values = lists(np.concatenate(([0], np.cumsum(known * 5))), np.clip(shares, 0, 1).ravel())
    return pc.if_else(pa.array(known), values, pa.scalar(None, type_))


def _warnings(
    datasets: list[dict[str, Any]],
    state: LevelState,
    tally: Tally,
    options: LevelOptions,
) -> list[str]:
    warnings = [
        f"{d['dataset']}: only {plural(d['rows'], 'row')}; five levels of so few are not stable"
        for d in datasets
        if d["rows"] < SMALL_SET
    ]
    for d in datasets:
        if unknown := tally["unknown", d["dataset"]]:
            rows, why = plural(unknown, "row has", "rows have"), NO_PROBS[options.probs]
            warnings.append(f"{d['dataset']}: {rows} no level probabilities: {why}")
    if state.sampled and parse_range(options.range)[0] in ("observed", "trimmed"):
        warnings.append(
            f"the range is {options.range} on a sample ({state.sampled}); name the range of the"
            " whole set with --range LOW:HIGH, or cut levels before sampling"
        )
    return warnings


STAGE = Stage(
    name="mos-to-levels",
    version=1,
    options=LevelOptions,
    reads=Reads(schema="rating", from_files=read_rating_files, compatible=("stall",)),
    writes="level",
    prepare=prepare,
    transform=transform,
    finish=finish,
    render=render,
    example="qbuild mos-to-levels ratings.csv -o levels.parquet --words itu",
)
