"""How strong a distortion is to be, as an option says it: 1 to 5, random, or all."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from qbuild.quality.distortions import SEVERITIES

RANDOM, ALL = "random", "all"


def _known(text: str) -> str:
    if text not in {*map(str, SEVERITIES), RANDOM, ALL}:
        raise ValueError("expected 1, 2, 3, 4, 5, random or all")
    return text


Severity = Annotated[str, AfterValidator(_known)]
