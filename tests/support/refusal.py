"""What every refusal of the command line keeps to, asserted in one place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PARTS = {"code", "where", "what", "expected", "todo"}
LOG = "qbuild-runs.jsonl"
HEADER = "image,mos\n"
ROWS = "".join(f"g{number}.jpg,{number}\n" for number in range(60))


def tree(folder: Path) -> dict[str, str]:
    """Hash of every file below a folder, hidden ones too, the run log left out."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != LOG
    }


@dataclass
class Refusal:
    """How a command was refused: its text, and the object under `error`."""

    text: str
    error: dict[str, str]


@dataclass
class Place:
    """A folder with an old artifact `old.parquet`, in which commands are refused."""

    folder: Path
    run: Callable[..., Any]

    def write(self, name: str, data: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def ratings(self, extra: str = "", name: str = "toy.csv") -> Path:
        """Sixty good ratings and some more lines."""
        return self.write(name, HEADER + ROWS + extra)

    def makes(self, *arguments: object) -> Any:
        """A command that ends well."""
        done = self.run(*arguments)
        assert done.code == 0, done.err
        return done

    def refuses(
        self,
        *arguments: object,
        code: int,
        kind: str,
        what: str,
        where: str = "",
        leaves: tuple[str, ...] = (),
    ) -> Refusal:
        """The command refused, told as text and as JSON, leaving only the files of `leaves`."""
        before = tree(self.folder)
        text, told = self.run(*arguments), self.run(*arguments, "--json")
        after = tree(self.folder)
        assert {name: sha for name, sha in after.items() if name not in leaves} == before
        assert set(leaves) <= after.keys()
        assert not [p for p in self.folder.rglob(".*") if p.suffix in (".tmp", ".scratch")]
        assert (text.code, told.code) == (code, code), text.err
        assert (text.out, told.err) == ("", ""), text.out + told.err
        assert told.out.count("\n") == 1
        error = told.error
        assert told.json.keys() == {"error"}
        assert error.keys() == PARTS
        assert all(isinstance(part, str) for part in error.values())
        assert error["code"] == kind
        assert where in error["where"]
        assert re.search(what, error["what"]), error
        assert error["expected"] or error["todo"]
        self._plain(text.err, error)
        return Refusal(text.err, error)

    @staticmethod
    def _plain(text: str, error: dict[str, str]) -> None:
        assert "Traceback" not in text
        assert text.endswith("\n")
        if text.startswith("Usage: "):  # Typer's own words, in its own form
            return
        assert text.startswith("error: ")
        assert all(line[:1] not in ("", " ") for line in text.splitlines())
        assert all(sign.isprintable() or sign == "\n" for sign in text)
