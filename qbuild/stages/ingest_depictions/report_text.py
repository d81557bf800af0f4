"""The report on annotations as lines: some for all annotators, and one for each."""

from __future__ import annotations

from typing import Any

from qbuild.core.plural import plural
from qbuild.quality.published_text import LEVEL_WORDS
from qbuild.stages.ingest_depictions.report import FEWEST_A_DAY, MOST_A_DAY

ANNOTATORS_TOLD = 40
EXAMPLES_TOLD = 2


def told(report: dict[str, Any]) -> str:
    """What a person wants to see first; all figures stand in the report itself."""
    total, people = report["totals"], report["annotators"]
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in total["kinds"].items())
    media = plural(total["media"], "medium", "media")
    by = f"of {media} by {plural(len(people), 'annotator')}"
    lines = [
        f"{plural(total['depictions'], 'depiction')} {by}: {kinds}",
        *_attributes(total),
        *_rules(total),
        *_days(total),
        *_agreement(total),
    ]
    lines += [f"{_who(one)}: {_line(one)}" for one in people[:ANNOTATORS_TOLD]]
    if more := len(people) - ANNOTATORS_TOLD:
        lines += [f"… {more} more; --json has all"] if more > 0 else []
    if count := report["cancelled"]:
        lines.append(f"{plural(count, 'cancelled annotation')} left out")
    if count := report["collapsed"]:
        lines.append(f"{plural(count, 'identical duplicate')} collapsed")
    return "\n".join([*lines, *report["notes"]])


def _attributes(total: dict[str, Any]) -> list[str]:
    if total["attributes_a_depiction"] is None:
        return []
    counts = sorted(total["attributes"].items(), key=lambda item: -item[1])
    named = ", ".join(f"{name} {count:,}" for name, count in counts if count)
    mean, blank = total["attributes_a_depiction"], total["without_attributes"]
    lines = [f"attributes an overall depiction: {mean:.2f}" + (f" ({named})" if named else "")]
    if blank:
        lines.append(f"{plural(blank, 'overall depiction')} in which no attribute was found")
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
        found = policy["violations"]
        count = sum(found.values())
        words = [word for word in LEVEL_WORDS["vqa2"] if word in found]
        by_level = ", ".join(f"{word} {found[word]:,}" for word in words)
        line = f"overall depictions against the policy of their level: {count:,}"
        lines.append(f"{line} of {policy['judged']:,}" + (f" ({by_level})" if by_level else ""))
        first = policy["examples"][:EXAMPLES_TOLD]
        lines += [f"    {one['depiction_id']} {one['level']}: {one['found']}" for one in first]
    return lines


def _days(total: dict[str, Any]) -> list[str]:
    days = total["days"]
    if days is None:
        return []
    spread = f"{days['min']} to {days['max']}, median {days['median']:g}"
    outside = f"{plural(days['outside'], 'day')} outside {FEWEST_A_DAY} to {MOST_A_DAY}"
    return [f"media a day and person: {spread}; {outside}"]


def _agreement(total: dict[str, Any]) -> list[str]:
    found = total["agreement"]
    if not found["pairs"]:
        return []
    pairs = f"{plural(found['pairs'], 'pair')} on {plural(found['media'], 'medium', 'media')}"
    said = f"attributes {_figure(found['attributes'])}, sides {_figure(found['sides'])}"
    return [f"agreement of {pairs}: {said}"]


def _line(one: dict[str, Any]) -> str:
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
        parts.append(f"agreement {_figure(one['agreement']['attributes'])}")
    return ", ".join(parts)


def _who(one: dict[str, Any]) -> str:
    return one["annotator"] or "nobody named"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
