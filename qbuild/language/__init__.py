"""The language of quality: what a depiction says of 14 attributes, in 5 degrees, and when.

    attributes.py  Table 11 of VQA² with its expressions    degrees.py   Table 12 and its words
    times.py       Table 13: when; which times agree        lexicon.py   all expressions, by words
    time_patterns.py  times and places found by pattern     clauses.py   a text as terms and joints
    binding.py     what belongs to what                     mentions.py  `read`
    claims.py      what a question states with its answer

Standard library alone; linear in the length of the text. See docs/language.md.
"""

from __future__ import annotations

from qbuild.language.attributes import ATTRIBUTES, KIN, Attribute
from qbuild.language.degrees import DEGREES, Degree, steps
from qbuild.language.mentions import Mention, Reading, read
from qbuild.language.times import Part, Time, content_words, same_time

__all__ = [
    "ATTRIBUTES",
    "DEGREES",
    "KIN",
    "Attribute",
    "Degree",
    "Mention",
    "Part",
    "Reading",
    "Time",
    "content_words",
    "read",
    "same_time",
    "steps",
]
