"""Words with which a clause does not state the merit that it names.

"With a tripod it would have been sharp", "he tries to keep it steady", "seldom smooth": what is
wished, tried, claimed, rare, or seen elsewhere is no praise.
"""

from __future__ import annotations

import re

_UNREAL = (
    r"wish\w*|hop(?:e|es|ed|ing)|expect\w*|(?:should|would|must)(?:n['\u2019]?t)?|could have"
    r"|could be|supposed|prefer\w*|if|unless|promis\w+|begging|improved|needs? to|want\w*"
    r"|as if|might|ought"
)
_FAILED = (
    r"tr(?:y|ies|ied|ying) to|struggl\w+(?! to focus)|unable|difficult\w*|impossible|trouble"
    r"|prevent\w*"
    r"|(?:keeps?|kept) [a-z ]{1,40} from|stops? (?:being|you|it)|ceased?|hard to|misses being"
    r"|in vain|squint|forget|goodbye|(?:far|too) [a-z]+ to be|to the point that"
)
_CLAIMED = (
    r"doubt\w*|claim\w*|pretend\w*|advertised|so[ -]called|says?|said|praised"
    r"|what [a-z ]{1,40} calls?"
    r"|called|sold as|not that|hard to believe|joke"
)
_RARE = (
    r"seldom|rare|rarely|exceptions?|few and far|(?<!not )only|except|one in|gone|a little"
    r"|hardly ever|all but|everything but|anything else|something else"
)
_ELSEWHERE = (
    r"used to|rather than|more [a-z ]{1,30}than|far cry|long way|unlike|old version|my old"
    r"|competitors|instead|other (?:phone|camera|clip|video)s?"
    r"|(?:have|has|ve|never) seen|(?:as|like) (?:mud|a sponge)"
    r"|artificially|unnaturally|no longer|washed away|eats all|where are|was once"
)
_DOUBT = re.compile(rf"\b(?:{_UNREAL}|{_FAILED}|{_CLAIMED}|{_RARE}|{_ELSEWHERE})\b", re.IGNORECASE)


def is_doubtful(clause: str) -> bool:
    """Whether a clause may name a merit without stating it."""
    return _DOUBT.search(clause) is not None
