"""Published forms of prediction files: their columns, and how a file is recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qbuild.core.errors import SchemaError
from qbuild.labels.tables.columns import normalise_name
from qbuild.labels.tables.table import Grid

PATH = (
    "path", "image", "image_name", "image_path", "img", "img_name", "img_path", "video",
    "video_name", "video_path", "media", "media_path", "file", "file_name", "file_path",
    "filename", "filepath", "name",
)  # fmt: skip
SCORE = (
    "score", "pred", "prediction", "predicted", "pred_score", "predicted_score", "pred_mos",
    "predicted_mos", "output",
)  # fmt: skip
MOS = ("mos", "gt", "gt_score", "ground_truth", "mos_score", "mean_opinion_score", "label")


@dataclass(frozen=True)
class Form:
    """A form of prediction files.

    signature    normalised columns by which it is recognised
    temperature  divisor of its logits; None: 1
    fused        columns → weight of their z-scores in the fused score
    """

    signature: tuple[str, ...] = ()
    temperature: float | None = None
    fused: Mapping[str, float] = field(default_factory=dict)


FORMS: dict[str, Form] = {
    # Q-Bench, released results of task A3: the softmax of the two logits is taken at 100
    "q-bench": Form(("img_path", "gt_score", "logit_good", "logit_poor"), temperature=100.0),
    # DOVER, released results: its two branches, fused after z-scores over the dataset
    "dover": Form(
        ("aesthetic_raw(resize)", "technical_raw(fragments)"),
        fused={"technical_raw(fragments)": 0.6104, "aesthetic_raw(resize)": 0.3896},
    ),
    "table": Form(),
}


def choose_form(grid: Grid, name: str) -> Form:
    """The named form, or with `auto` the first whose columns the file has.

    SchemaError where the file lacks columns of the named form.
    """
    columns = {normalise_name(column) for column in grid.names}
    if name == "auto":
        return next(form for form in FORMS.values() if columns.issuperset(form.signature))
    form = FORMS[name]
    if missing := [column for column in form.signature if column not in columns]:
        raise SchemaError(
            str(grid.path),
            f"lacks {', '.join(missing)}",
            f"expected the columns of the form {name}",
            "Leave out --form, or give --form table.",
        )
    return form
