"""Names of columns, kinds and aspects of depictions."""

from __future__ import annotations

from qbuild.labels.tables.columns import PATH, normalise_name

ASPECTS = (
    "visual quality",
    "temporal alignment",
    "dynamic degree",
    "text-to-video alignment",
    "factual consistency",
)
_ALIASES = {  # VideoFeedback's own names, and usual abbreviations
    "temporal alignment": ("temporal_consistency",),
    "text-to-video alignment": ("text_video_alignment", "t2v_alignment"),
}
_TEXT = ("", "_text", "_depiction")
_LEVEL = ("_level", "_score", "_rating")

KINDS = {
    "overall": ("overall", "overall_depiction", "overall_quality_depiction"),
    "in-context": ("in_context", "incontext", "in_context_depiction"),
    "conversation": ("conversation", "own_conversation", "extended_conversation"),
    "aspect": ("aspect", "aigc", "aigc_aspect"),
    "pathway": ("pathway", "pathway_feedback", "feedback"),
}

# columns of either form on the medium, the annotator and the level shown
ABOUT: dict[str, tuple[str, ...]] = {
    "media_id": ("media_id",),
    "path": (*PATH, "url", "image_url", "video_url"),
    "dataset": ("dataset", "dataset_name"),
    "split": ("split", "set", "subset"),
    "annotator": (
        "annotator", "annotator_id", "annotated_by", "completed_by", "worker", "worker_id",
        "user", "user_id", "rater", "participant", "subject", "email", "e_mail",
    ),
    "level": ("level", "quality_level"),
    "word": ("word", "level_word"),
    "mos_norm": ("mos_norm", "normalised_mos", "normalized_mos"),
    "date": ("date", "annotated_on", "day", "annotation_date", "created_at"),
}  # fmt: skip


def _aspect_names(aspect: str, suffixes: tuple[str, ...]) -> tuple[str, ...]:
    stems = (normalise_name(aspect), *_ALIASES.get(aspect, ()))
    return tuple(stem + suffix for stem in stems for suffix in suffixes)


TEXTS: dict[str, tuple[str, ...]] = {
    "overall": (*KINDS["overall"], "depiction", "description", "overall_description", "text"),
    "in-context": KINDS["in-context"],
    "question": ("question", "own_question"),
    "answer": ("answer", "own_answer"),
    "pathway": KINDS["pathway"],
    **{aspect: _aspect_names(aspect, _TEXT) for aspect in ASPECTS},
}
WIDE = {
    **ABOUT,
    **TEXTS,
    **{f"{aspect} level": _aspect_names(aspect, _LEVEL) for aspect in ASPECTS},
}
LONG = {
    **ABOUT,
    "kind": ("kind", "depiction_kind", "type"),
    "text": ("text", "depiction", "description", "answer"),
    "question": TEXTS["question"],
    "aspect": ("aspect",),
    "aspect_level": ("aspect_level", "level_of_aspect"),
}


def find_kind(name: str) -> str | None:
    """The kind of that normalised name, or None."""
    return next((kind for kind, names in KINDS.items() if normalise_name(name) in names), None)


def find_aspect(name: str) -> str | None:
    """The aspect of that normalised name, or None."""
    return next((aspect for aspect in ASPECTS if normalise_name(name) in TEXTS[aspect]), None)
