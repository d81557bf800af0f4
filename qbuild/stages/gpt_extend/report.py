"""The report of `gpt-extend`: figures for `--json`, lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.core.plural import plural

if TYPE_CHECKING:
    from qbuild.core.engine.tally import Tally
    from qbuild.llm.cost_plan import Plan

# VQA2 section 3.4: pairs by form that an overall depiction gives, and a note or an aspect.
PAPER = {"overall": 5, "in-context": 1, "conversation": 1, "aspect": 1}
# VQA2 Table 1, stage 3, for comparison: the media and all pairs made of them, the causal one too.
TABLE_1 = {"UGC": {"media": 14_502, "pairs": 110_232}, "AIGC": {"media": 998, "pairs": 4_982}}


def figures(tally: Tally) -> dict[str, Any]:
    """Pairs by form, depictions and pairs by kind, balance, faults and flags."""
    forms = tally.of("form")
    letters = {form: found for form in forms if (found := tally.of("letter", form))}
    return {
        "forms": forms,
        "kinds": {
            kind: {"depictions": count, "pairs": tally["pairs", kind], "paper": PAPER.get(kind)}
            for kind, count in tally.of("kind").items()
        },
        "table_1": TABLE_1,
        "yes": letters.get("binary", {}).get("A", 0),
        "no": letters.get("binary", {}).get("B", 0),
        "letters": letters,
        "refused": tally.of("refused"),
        "flags": tally.of("flag"),
        "asked_again": tally["asked-again"],
        "repeated": tally["repeated"],
    }


def told(report: dict[str, Any]) -> str:
    """The report as lines."""
    lines = [_listed("pairs", report["forms"])]
    for kind, found in report["kinds"].items():
        each = found["pairs"] / found["depictions"]
        paper = f" (VQA\N{SUPERSCRIPT TWO}: {found['paper']})" if found["paper"] else ""
        count = plural(found["depictions"], "depiction")
        lines.append(f"{kind}: {count}, {each:.2f} pairs each{paper}")
    if report["yes"] or report["no"]:
        lines.append(f"yes/no questions: {report['yes']:,} yes, {report['no']:,} no")
    for form, letters in report["letters"].items():
        if form != "binary":
            lines.append(_listed(f"right choices of {form} questions", letters))
    for name, words in (("refused", "kept apart"), ("flags", "flagged, kept")):
        if report[name]:
            lines.append(_listed(words, report[name]))
    if report["asked_again"]:
        lines.append(f"asked again: {report['asked_again']:,}")
    if report["repeated"]:
        lines.append(f"{plural(report['repeated'], 'pair')} made before left out")
    run = report.get("run")
    if run and run["states"]:
        lines.append(_spent(run))
    return "\n".join(lines)


def _listed(name: str, counts: dict[str, int]) -> str:
    return f"{name}: " + ", ".join(f"{key} {count:,}" for key, count in counts.items())


def _spent(run: dict[str, Any]) -> str:
    """What this run sent and paid; then all answers used, with those the ledger had before."""
    tokens = f"{run['prompt_tokens']:,} + {run['completion_tokens']:,} tokens"
    sent = f"this run: {run['sent']:,} sent ({run['retried']:,} tried again)"
    lines = [
        f"{sent}, {tokens}, ${run['usd']:.4f}",
        f"{_listed('answers used', run['states'])}; {run['from_ledger']:,} of them known before",
    ]
    if run["pending"]:
        lines.append(_listed("pending", run["pending"]))
    return "\n".join(lines)


def told_plan(made: Plan, model: str) -> str:
    """A plan as lines."""
    worst = made.worst_completion_tokens
    most = "no limit" if worst is None else f"{worst:,}"
    known = f"{made.in_ledger:,} answered in the ledger, {made.repeated:,} the same as another"
    expected = f"{made.expected_completion_tokens:,} of answers (at most {most})"
    lines = [
        f"{plural(made.requests, 'request')}, {known}: {made.to_send:,} to send",
        f"about {made.prompt_tokens:,} tokens of prompts, {expected}",
    ]
    for tier, price in made.price_usd.items():
        if price is None:
            lines.append(f"{tier}: no price for {model} in the price file of {made.dated}")
            continue
        most = "" if price[1] is None else f", at most ${price[1]:.2f}"
        lines.append(f"{tier}: about ${price[0]:.2f}{most} (prices of {made.dated})")
    lines.append(
        "not in these figures: asking again where an answer has faults, and wrong choices for "
        "what and how questions (up to 3 requests each)"
    )
    return "\n".join(lines)
