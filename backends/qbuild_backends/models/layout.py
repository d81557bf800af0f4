"""How a published layout names a model's tensors."""

from __future__ import annotations

import re
from dataclasses import dataclass

Rules = tuple[tuple[str, str], ...]  # (pattern at the beginning of a name, its replacement)


@dataclass(frozen=True)
class Layout:
    """The names of one layout; of the rules, the first whose pattern matches is applied.

    signature is a pattern at the beginning of a name that no other layout has. `reading` makes our
    names of theirs, `writing` theirs of ours. `holds` are the beginnings of our names that the
    layout has tensors for. `left_out` are patterns of theirs that the family has no use for.
    """

    name: str
    signature: str
    reading: Rules
    writing: Rules
    holds: tuple[str, ...]
    left_out: tuple[str, ...]

    def recognises(self, theirs: str) -> bool:
        """Whether no other layout has that name."""
        return re.match(self.signature, theirs) is not None

    def ours(self, theirs: str) -> str | None:
        """Our name of their tensor; None where we have none."""
        return _rename(theirs, self.reading)

    def theirs(self, ours: str) -> str | None:
        """Their name of our tensor; None where the layout has none."""
        return _rename(ours, self.writing) if ours.startswith(self.holds) else None

    def leaves_out(self, theirs: str) -> bool:
        """Whether the family has no use for that tensor of theirs."""
        return any(re.match(pattern, theirs) for pattern in self.left_out)


def _rename(name: str, rules: Rules) -> str | None:
    for pattern, replacement in rules:
        new, count = re.subn(f"^{pattern}", replacement, name)
        if count:
            return new
    return None
