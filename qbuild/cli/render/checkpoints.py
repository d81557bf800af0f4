"""The reports of `train` and `import-checkpoint` as text."""

from __future__ import annotations

from typing import Any

from qbuild.core.plural import plural
from qbuild.core.rows.split_filter import format_left_out


def format_training(report: dict[str, Any]) -> str:
    """Steps and losses, trained parameters per group, speed."""
    lines = [f"→ {report['output']}"]
    if "plan" in report:
        lines.append(
            f"  {report['plan']} from {report['base']}: {plural(report['samples'], 'sample')}"
            f" ({report['skipped']:,} skipped), {plural(report['steps'], 'step')},"
            f" loss {report['first_loss']:.4f} → {report['last_loss']:.4f}"
        )
        if left_out := format_left_out(report.get("left_out", {})):
            lines.append(f"  {left_out}")
        idle = report.get("no_gradient", {})
        for group, share in report["parameters"].items():
            if group in idle:
                lines.append(format_idle(group, idle[group]))
                continue
            lines.append(f"  {group}: {share['trained']:,} of {share['parameters']:,} trained")
    if "validation" in report:
        validation = report["validation"]
        best = min(validation["steps"], key=lambda one: one["loss"])
        lines.append(
            f"  validation on {plural(validation['samples'], 'sample')}: loss {best['loss']:.4f}"
            f" at step {best['step']:,}, whose checkpoint was kept"
        )
    if run := report["run"]:
        lines.append(
            f"  {run['seconds']:.1f} s, {run['tokens_a_second']:,} tokens/s,"
            f" {run['waited_share']:.1%} of the time waiting for data, {run['peak_gib']:.2f} GiB"
        )
        if "threads" in run:
            checkpointing = "" if run["gradient_checkpointing"] else "out"
            lines.append(
                f"  computed with {plural(run['threads'], 'thread')}, per_device_batch"
                f" {run['per_device_batch']}, with{checkpointing} gradient checkpointing"
            )
    return "\n".join(lines)


def format_idle(group: str, idle: dict[str, Any]) -> str:
    """A group whose parameters received no gradient, and why."""
    missing = " or ".join(idle["without"])
    why = f"no {missing} in the data" if missing else "the model is trained without it"
    return f"  {group}: {idle['parameters']:,} parameters received no gradient: {why}"


def format_import(report: dict[str, Any]) -> str:
    """Matched tensors per part, and the groups that start with random weights."""
    lines = [f"→ {report['output']}"]
    lines += [
        f"  {part['layout']} from {part['source']}: {plural(part['matched'], 'tensor')} matched,"
        f" {part['left_out']:,} left out"
        for part in report.get("parts", ())
    ]
    random = [f"{group} ({plural(n, 'tensor')})" for group, n in report.get("random", {}).items()]
    if random:
        lines.append(f"  random weights: {', '.join(random)}")
    return "\n".join(lines)
