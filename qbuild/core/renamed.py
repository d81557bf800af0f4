"""Options that were renamed: the old name is accepted until 0.3, with a notice.

A stage lists them in `Stage.renamed`, a plain command in `RENAMED` of its module, by the old name:
`{"leaks": Renamed("on_leak", {"refuse": "error", "mark": "flag"})}`. An entry whose new name is the
old one renames only values. Descriptions of existing artifacts are read with the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REMOVED_IN = "0.3"


@dataclass(frozen=True)
class Renamed:
    """The current name of an option, and the current form of renamed values."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)

    def value(self, old: Any) -> Any:
        """The current form of a value, or of each value in a list."""
        if isinstance(old, list):
            return [self.value(one) for one in old]
        return self.values.get(old, old) if isinstance(old, str) else old


RenamedOptions = Mapping[str, Renamed]


def current_options(given: Mapping[str, Any], renamed: RenamedOptions) -> dict[str, Any]:
    """`given` with current names and values, in the same order."""
    return {
        renamed[name].name if name in renamed else name: (
            renamed[name].value(value) if name in renamed else value
        )
        for name, value in given.items()
    }


def rename_notices(
    given: Mapping[str, Any], renamed: RenamedOptions, prefix: str = ""
) -> list[str]:
    """A sentence for each option of `given` with an old name or value; `prefix` as in `--name`."""
    notices = []
    for name, value in given.items():
        new = renamed.get(name)
        if new is None:
            continue
        old_flag, new_flag = (
            prefix + (n.replace("_", "-") if prefix else n) for n in (name, new.name)
        )
        if name != new.name:
            change, kept = f"{old_flag} was renamed to {new_flag}", "name"
        elif new.value(value) != value:
            change, kept = f"{old_flag} {value} was renamed to {new.value(value)}", "value"
        else:
            continue
        notices.append(f"{change}; the old {kept} works until {REMOVED_IN}")
    return notices
