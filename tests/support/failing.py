"""A workspace in which commands fail, and what every failure must look like."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from running import file_hashes

ERROR_KEYS = {"code", "where", "what", "expected", "todo"}
HEADER = "image,mos\n"
ROWS = "".join(f"g{number}.jpg,{number}\n" for number in range(60))


@dataclass
class Failure:
    """How a command failed: its text, and the object under `error`."""

    text: str
    error: dict[str, str]


@dataclass
class Workspace:
    """A folder in which commands run."""

    folder: Path
    run: Callable[..., Any]

    def write(self, name: str, data: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def ratings(self, extra: str = "", name: str = "toy.csv") -> Path:
        """Sixty valid ratings and some more lines."""
        return self.write(name, HEADER + ROWS + extra)

    def succeeds(self, *arguments: object) -> Any:
        """A command that ends with code 0."""
        done = self.run(*arguments)
        assert done.code == 0, done.err
        return done

    def fails(
        self,
        *arguments: object,
        code: int,
        kind: str,
        what: str,
        where: str = "",
        leaves: tuple[str, ...] = (),
    ) -> Failure:
        """A command that fails with the same error as text and JSON; only `leaves` are written."""
        before = file_hashes(self.folder)
        as_text, as_json = self.run(*arguments), self.run(*arguments, "--json")
        after = file_hashes(self.folder)
        assert {name: sha for name, sha in after.items() if name not in leaves} == before
        assert set(leaves) <= after.keys()
        assert not [p for p in self.folder.rglob(".*") if p.suffix in (".tmp", ".scratch")]
        assert (as_text.code, as_json.code) == (code, code), as_text.err
        assert (as_text.out, as_json.err) == ("", ""), as_text.out + as_json.err
        assert as_json.out.count("\n") == 1
        error = as_json.error
        assert as_json.json.keys() == {"error"}
        assert error.keys() == ERROR_KEYS
        assert all(isinstance(part, str) for part in error.values())
        assert error["code"] == kind
        assert where in error["where"]
        assert re.search(what, error["what"]), error
        assert error["expected"] or error["todo"]
        self._check_text(as_text.err)
        return Failure(as_text.err, error)

    @staticmethod
    def _check_text(text: str) -> None:
        """A line per problem, without traceback, indentation or control characters."""
        assert "Traceback" not in text
        assert text.endswith("\n")
        if text.startswith("Usage: "):  # an error of Typer, in its own form
            return
        assert text.startswith("error: ")
        assert all(line[:1] not in ("", " ") for line in text.splitlines())
        assert all(character.isprintable() or character == "\n" for character in text)
