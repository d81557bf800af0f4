"""The report of `gpt-extend`: figures for `--json`, lines for people."""

from __future__ import annotations

from typing import Any

from qbuild.core.engine.tally import Tally
from qbuild.core.plural import format_counts, plural
from qbuild.llm.cost_plan import CostPlan

# VQA² section 3.4: the pairs by form of an overall depiction, and of a note or an aspect.
PAPER = {"overall": 5, "in-context": 1, "conversation": 1, "aspect": 1}
# VQA² Table 1, stage 3, for comparison: the media and all their pairs, including the causal ones.
TABLE_1 = {"UGC": {"media": 14_502, "pairs": 110_232}, "AIGC": {"media": 998, "pairs": 4_982}}


def summarise(tally: Tally) -> dict[str, Any]:
    """Pairs by form, depictions and pairs by kind, balance, rejections and flags."""
    forms = tally.of("form")
    letters = {form: counts for form in forms if (counts := tally.of("letter", form))}
    return {
        "forms": forms,
        "kinds": {
            kind: {"depictions": count, "pairs": tally["pairs", kind], "paper": PAPER.get(kind)}
            for kind, count in tally.of("kind").items()
        },
        "table_1": TABLE_1,
        "asked_yes_no": tally.of("asked-yes-no"),
        "yes": letters.get("binary", {}).get("A", 0),
        "no": letters.get("binary", {}).get("B", 0),
        "letters": letters,
        "refused": tally.of("refused"),
        "flags": tally.of("flag"),
        "asked_again": tally["asked-again"],
        "repeated": tally["repeated"],
    }


def format_report(report: dict[str, Any]) -> str:
    """The report as lines."""
    lines = [_list_counts("pairs", report["forms"])]
    for kind, figures in report["kinds"].items():
        each = figures["pairs"] / figures["depictions"]
        paper = f" (VQA\N{SUPERSCRIPT TWO}: {figures['paper']})" if figures["paper"] else ""
        count = plural(figures["depictions"], "depiction")
        lines.append(f"{kind}: {count}, {each:.2f} pairs each{paper}")
    if report["yes"] or report["no"]:
        lines.append(f"yes/no questions: {report['yes']:,} yes, {report['no']:,} no")
        lines += _explain_imbalance(report)
    for form, letters in report["letters"].items():
        if form != "binary":
            lines.append(_list_counts(f"right choices of {form} questions", letters))
    for name, label in (("refused", "rejected"), ("flags", "flagged, kept")):
        if report[name]:
            lines.append(_list_counts(label, report[name]))
    if report["asked_again"]:
        lines.append(f"answers sent back with their faults: {report['asked_again']:,}")
    if report["repeated"]:
        lines.append(f"{plural(report['repeated'], 'duplicate pair')} left out")
    run = report.get("run")
    if run and run["states"]:
        lines += _format_run(run)
    return "\n".join(lines)


def _explain_imbalance(report: dict[str, Any]) -> list[str]:
    """Why Yes and No are not 1:1: what was assigned so was rejected, or a duplicate."""
    asked = sum(report["asked_yes_no"].values())
    left = asked - report["yes"] - report["no"]
    if abs(report["yes"] - report["no"]) < 2:
        return []
    return [f"not 1:1, since {left:,} of {asked:,} yes/no questions were rejected or duplicates"]


def _list_counts(name: str, counts: dict[str, int]) -> str:
    return f"{name}: {format_counts(counts)}"


def _format_run(run: dict[str, Any]) -> list[str]:
    """What this run sent and paid; then all answers used, including known ones."""
    tokens = f"{run['prompt_tokens']:,} + {run['completion_tokens']:,} tokens"
    sent = f"this run: {run['sent']:,} sent ({run['retried']:,} retries)"
    lines = [
        f"{sent}, {tokens}, ${run['usd']:.4f}",
        f"{_list_counts('answers used', run['states'])}; {run['from_ledger']:,} from the ledger",
    ]
    if run["pending"]:
        lines.append(_list_counts("pending", run["pending"]))
    return lines


def format_plan(plan: CostPlan, model: str) -> str:
    """A plan as lines."""
    worst = plan.worst_completion_tokens
    most = "no limit" if worst is None else f"{worst:,}"
    known = f"{plan.in_ledger:,} answered in the ledger, {plan.repeated:,} duplicates"
    expected = f"{plan.expected_completion_tokens:,} of answers (at most {most})"
    lines = [
        f"{plural(plan.requests, 'request')}, {known}: {plan.to_send:,} to send",
        f"about {plan.prompt_tokens:,} tokens of prompts, {expected}",
    ]
    for tier, price in plan.price_usd.items():
        if price is None:
            lines.append(f"{tier}: no price for {model} in the price file of {plan.dated}")
            continue
        most = "" if price[1] is None else f", at most ${price[1]:.2f}"
        lines.append(f"{tier}: about ${price[0]:.2f}{most} (prices of {plan.dated})")
    lines.append(
        "not included: faulty answers sent back, and wrong choices for what and how questions "
        "(up to 3 requests each)"
    )
    return "\n".join(lines)
