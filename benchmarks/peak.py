"""Run a script and leave its peak resident memory in a file.

    python benchmarks/peak.py FILE SCRIPT [ARGUMENT …]

The peak is read inside the process (VmHWM): the figure that a parent gets for a child includes the
parent's own memory at the fork.
"""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path


def main() -> None:
    place, script = Path(sys.argv[1]), sys.argv[2]
    sys.argv = sys.argv[2:]
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        place.write_text(found[1] if found else "0", encoding="ascii")


if __name__ == "__main__":
    main()
