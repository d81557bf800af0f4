"""What `generate` of transformers needs of a model with media, in all releases that are allowed."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import inspect
from typing import Any, ClassVar

from transformers import GenerationMixin


def cache_name(model: Any) -> str:
    """The argument and output of the forward methods of a model that holds keys and values.

    `cache` from transformers 5.24 on, where `past_key_values` is deprecated.
    """
    parameters = inspect.signature(model.get_decoder().forward).parameters
    return "cache" if "cache" in parameters else "past_key_values"


class MediaGenerationMixin(GenerationMixin):
    """Generation whose first step gets the media; a base of models, before their others."""

    media_inputs: ClassVar[tuple[str, ...]]  # the arguments of `forward` that hold media

    def prepare_inputs_for_generation(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The inputs of a step of `generate`."""
        inputs: dict[str, Any] = super().prepare_inputs_for_generation(*args, **kwargs)  # type: ignore[misc]
        if not kwargs.get("is_first_iteration") and inputs.get(cache_name(self)) is not None:
            for name in self.media_inputs:
                inputs.pop(name, None)
        return inputs
