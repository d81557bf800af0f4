"""The language of quality: what an English text states about 14 attributes, in 5 degrees, and when.

    mentions.py       `read`: a text → its mentions    claims.py   what a question and answer state
    attributes.py     Table 11 of VQA², expressions    degrees.py  Table 12 and its words
    times.py          Table 13, which times agree      lexicon.py  all expressions, by their words
    time_patterns.py  times and places by pattern      clauses.py  a text as a sequence of items
    binding.py        which words judge which one      judging.py  how they judge it together
    events.py         what a subject does: "hunts"     predicates.py  adjacent subjects and things
    doubts.py         merits named but not stated

Standard library only; linear in the length of the text. See docs/language.md.
"""
