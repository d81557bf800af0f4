"""The loss of each sample of a batch."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from qbuild_backends.models.inputs import IGNORED


def sample_losses(
    model: nn.Module,
    batch: dict[str, Tensor],
    observe: Callable[[Tensor, Tensor], None] | None = None,
) -> Tensor:
    """The mean loss over each sample's answer tokens (b,).

    Only positions before an answer's token in any sample go through the language head: over a
    vocabulary of 152,000 the others would take a gigabyte per 1,800. `observe` is given their
    logits (b, p, vocabulary) and the expected tokens, IGNORED where a sample has none.
    """
    inputs = dict(batch)
    targets = inputs.pop("labels")[:, 1:]  # (b, n - 1)
    places = (targets != IGNORED).any(0).nonzero()[:, 0]  # (p,)
    logits = model(**inputs, logits_to_keep=places, use_cache=False).logits  # (b, p, vocabulary)
    expected = targets[:, places]
    losses = cross_entropy(
        logits.float().transpose(1, 2), expected, ignore_index=IGNORED, reduction="none"
    )
    if observe is not None:
        observe(logits.detach(), expected)
    return losses.sum(1) / (expected != IGNORED).sum(1)
