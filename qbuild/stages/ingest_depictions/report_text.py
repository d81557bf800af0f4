"""The report on annotations as lines: totals, then a line per annotator."""

from __future__ import annotations

from typing import Any

from qbuild.core.plural import format_collapsed, format_counts, format_figure, plural
from qbuild.quality.published_text import LEVEL_WORDS
from qbuild.stages.ingest_depictions.report import (
    FEEDBACKS,
    MAX_PER_DAY,
    MIN_PER_DAY,
    PAUSED_AT,
    WARNED_AT,
)

ANNOTATORS_SHOWN = 40
EXAMPLES_SHOWN = 2


def format_report(report: dict[str, Any]) -> str:
    """The main figures of the report, as lines."""
    total, people = report["totals"], report["annotators"]
    kinds = format_counts(total["kinds"])
    media = plural(total["media"], "medium", "media")
    by = f"of {media} by {plural(len(people), 'annotator')}"
    lines = [
        f"{plural(total['depictions'], 'depiction')} {by}: {kinds}",
        *_attributes(total),
        *_rules(total),
        *_days(total),
        *_pathway(total),
        *_agreement(total),
    ]
    lines += [
        f"{one['annotator'] or 'without annotator'}: {_annotator(one)}"
        for one in people[:ANNOTATORS_SHOWN]
    ]
    if (more := len(people) - ANNOTATORS_SHOWN) > 0:
        lines.append(f"… {more} more; --json lists all")
    if count := report["cancelled"]:
        lines.append(f"{plural(count, 'cancelled annotation')} left out")
    lines += format_collapsed(report["collapsed"], "identical duplicate")
    return "\n".join([*lines, *report["notes"]])


def _attributes(total: dict[str, Any]) -> list[str]:
    if total["attributes_a_depiction"] is None:
        return []
    counts = sorted(total["attributes"].items(), key=lambda item: -item[1])
    named = format_counts({name: count for name, count in counts if count})
    mean, blank = total["attributes_a_depiction"], total["without_attributes"]
    lines = [f"attributes per overall depiction: {mean:.2f}" + (f" ({named})" if named else "")]
    if blank:
        lines.append(f"{plural(blank, 'overall depiction')} without an attribute")
    return lines


def _rules(total: dict[str, Any]) -> list[str]:
    temporal, degrees, policy = total["temporal"], total["degrees"], total["policy"]
    lines = []
    if temporal["videos"]:
        share = f"{temporal['with']:,} of {temporal['videos']:,} ({temporal['share']:.0%})"
        lines.append(f"overall depictions of videos with a temporal description: {share}")
    if degrees["words"]:
        share = f"{degrees['misplaced']:,} of {degrees['words']:,}"
        lines.append(f"degree words mainly for another level: {share}")
    if policy["judged"]:
        counts = policy["violations"]
        words = [word for word in LEVEL_WORDS["vqa2"] if word in counts]
        by_level = format_counts({word: counts[word] for word in words})
        line = f"overall depictions against the policy of their level: {sum(counts.values()):,}"
        lines.append(f"{line} of {policy['judged']:,}" + (f" ({by_level})" if by_level else ""))
        first = policy["examples"][:EXAMPLES_SHOWN]
        lines += [f"    {one['depiction_id']} {one['level']}: {one['found']}" for one in first]
    return lines


def _pathway(total: dict[str, Any]) -> list[str]:
    pathway = total["pathway"]
    if pathway is None:
        return []
    few = f"{pathway['few_feedbacks']:,} of {plural(pathway['images'], 'image')}"
    count = pathway["without_conclusion"]
    without = f"pathway feedbacks without a conclusion on the quality: {count:,}"
    lines = [without, f"images with fewer than {FEEDBACKS} pathway feedbacks: {few}"]
    if pathway["days"]:
        over = f"{pathway['warned']:,} over {WARNED_AT}, {pathway['paused']:,} over {PAUSED_AT}"
        lines.append(f"days of pathway annotators: {pathway['days']:,}; images: {over}")
    return lines


def _days(total: dict[str, Any]) -> list[str]:
    days = total["days"]
    if days is None:
        return []
    span = f"{days['min']} to {days['max']}, median {days['median']:g}"
    outside = f"{plural(days['outside'], 'day')} outside {MIN_PER_DAY} to {MAX_PER_DAY}"
    return [f"media per day and person: {span}; {outside}"]


def _agreement(total: dict[str, Any]) -> list[str]:
    agreement = total["agreement"]
    if not agreement["pairs"]:
        return []
    media = plural(agreement["media"], "medium", "media")
    pairs = f"{plural(agreement['pairs'], 'pair')} on {media}"
    attributes, sides = (format_figure(agreement[name]) for name in ("attributes", "sides"))
    return [f"agreement of {pairs}: attributes {attributes}, sides {sides}"]


def _annotator(one: dict[str, Any]) -> str:
    parts = [plural(one["depictions"], "depiction"), plural(one["media"], "medium", "media")]
    if one["attributes_a_depiction"] is not None:
        parts.append(f"{one['attributes_a_depiction']:.2f} attributes")
    if one["temporal"]["share"] is not None:
        parts.append(f"{one['temporal']['share']:.0%} with time")
    tones = sum(one["policy"]["violations"].values())
    degrees = plural(one["degrees"]["misplaced"], "degree word")
    parts.append(f"{degrees} and {plural(tones, 'tone')} off their level")
    if one["days"] is not None:
        parts.append(f"{one['days']['outside']:,} of {plural(one['days']['days'], 'day')} outside")
    if one["agreement"]["pairs"]:
        parts.append(f"agreement {format_figure(one['agreement']['attributes'])}")
    return ", ".join(parts)
