"""What a model family offers; training, data, inference and checkpoints use nothing else of it.

A family is a folder below `models/` with one object, an instance of `ModelFamily`. Its models are
`PreTrainedModel`s of transformers whose `base_model` returns `last_hidden_state` (b, n, hidden),
whose `get_decoder()` is the language model and whose head is called `lm_head`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from qbuild.backends.conversation import PLACE
from qbuild_backends.models.inputs import Clip, ClipReader, Encoded, Extent, Turn
from qbuild_backends.models.layout import Layout

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel

Model: TypeAlias = "PreTrainedModel"
LANGUAGE_MODEL = "language_model"  # the group of parameters that every family has
TEXT = "text"  # its branch: all passes go through it
HEAD = "lm_head.weight"  # missing in files whose head is tied to the embedding


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters with one learning rate: the beginnings of their names, and their branch.

    A branch is a part of the model that passes on some media, or on none, do not go through.
    """

    prefixes: tuple[str, ...]
    branch: str


@dataclass(frozen=True)
class FreezingPlan:
    """The groups that a stage of training trains; `kind` where it takes one kind of media only."""

    groups: tuple[str, ...]
    kind: Literal["image", "video"] | None = None


@dataclass(frozen=True)
class ScoringPrompt:
    """How a score is asked for: templates of `{kind}` for question and beginning of the answer.

    words are sets of levels by name, worst to best, the default first; weights are sets of one
    weight per level. A set of words has the weights of the same name, else it is weighted evenly
    from 0 to 1.
    """

    question: str
    answer: str
    words: Mapping[str, tuple[str, ...]]
    weights: Mapping[str, tuple[float, ...]]

    def turns(self, kind: str) -> list[Turn]:
        """The conversation that the model continues with a level word."""
        question = f"{PLACE}\n{self.question.format(kind=kind)}"
        return [Turn("user", question), Turn("assistant", self.answer.format(kind=kind))]


class FamilySettings(BaseModel):
    """The settings of training that a family adds; `NAME_rate` for each group of parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipes: ClassVar[Mapping[str, Mapping[str, Any]]] = {}  # defaults of other settings, by name

    plan: str = Field(description="Stage, which decides what is trained.")

    def frozen(self) -> tuple[str, ...]:
        """Beginnings of the names of parameters that stay frozen in a group that is trained."""
        return ()

    @classmethod
    def defaults_of(cls, given: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG003 - for families
        """Defaults for the base that is given, where they differ from the published ones."""
        return {}

    def configure(self, processor: Any) -> None:
        """Change the base model's processor by the settings; UsageError if they conflict."""


class ImportSettings(BaseModel):
    """The settings of `import-checkpoint`; a family adds its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: str = Field("auto", description="Names of the tensors; auto recognises them.")


class Processor(Protocol):
    """Makes conversations and clips into the tensors of one model."""

    tokenizer: Any
    max_length: int  # tokens that the context holds
    pad_token_id: int
    end_token_id: int  # ends an answer
    media_token_ids: tuple[int, ...]  # in the places of media tokens

    @property
    def clips(self) -> ClipReader:
        """What reads media for this model."""

    def branches(self, kind: Literal["image", "video"]) -> Collection[str]:
        """The branches that a medium of this kind goes through."""

    def encode(
        self,
        turns: Sequence[Turn],
        clip: Clip | Extent | None = None,
        *,
        video_prompt: str | None = None,
        open_end: bool = False,
    ) -> Encoded:
        """A conversation about a clip in the model's chat template.

        video_prompt names what the family writes around a video's placeholder (`scoring`,
        `training`, `understanding`; nothing for `none` and for names that it does not know); None
        leaves the turns as they are. open_end leaves the last answer unfinished, or begins one.

        Raises RejectedError `placeholders`, `frames` or `too-long`, the latter for every Extent.
        """

    def collate(
        self,
        samples: Sequence[Encoded],
        *,
        padding: Literal["right", "left"] = "right",
        labels: bool = True,
    ) -> dict[str, Tensor]:
        """The model's inputs: input_ids, attention_mask and labels (b, n), and its media.

        Labels are IGNORED but for answers. Integers that the model reads on the host are named
        `…_counts`.
        """

    def estimate_tokens(
        self, kind: str, characters: int, num_frames: int, fps: float, video_prompt: str
    ) -> int:
        """About how long a sample is, before its medium is decoded.

        kind is image, video or text; num_frames and fps are 0 where they are not known.
        """

    def save(self, folder: Path) -> None:
        """Write `processor_file` of the family and the tokenizer's files."""


class ModelFamily(Protocol):
    """Models of one architecture: how they are made, fed, asked, trained and stored."""

    name: ClassVar[str]  # `model_type` in config.json
    config_class: ClassVar[type[PreTrainedConfig]]
    model_class: ClassVar[type[PreTrainedModel]]
    processor_file: ClassVar[str]
    presets: ClassVar[Collection[str]]  # names of shapes; `tiny` comes with a tokenizer
    scoring: ClassVar[ScoringPrompt]
    shares_prefix: ClassVar[bool]  # whether the text before all media may be computed once

    groups: ClassVar[Mapping[str, ParameterGroup]]  # `language_model` among them
    never_trained: ClassVar[tuple[str, ...]]  # beginnings of names
    read_directly: ClassVar[Mapping[str, str]]  # parameters that a module reads without a call
    plans: ClassVar[Mapping[str, FreezingPlan]]
    train_settings: ClassVar[type[FamilySettings]]

    layouts: ClassVar[Mapping[str, Layout]]  # whole models
    part_layouts: ClassVar[Mapping[str, Layout]]  # parts, by the import setting that names a file
    import_settings: ClassVar[type[ImportSettings]]

    def tiny(self, seed: int) -> tuple[Model, Processor]:
        """A model that trains on a CPU in minutes, with random weights of this seed."""

    def processor(self, config: Any, tokenizer: Any) -> Processor:
        """The processor of a model with this configuration."""

    def load_processor(self, folder: Path, config: Any) -> Processor:
        """The processor saved with a model; InputError if missing, damaged or another model's."""

    def prepare_inference(self, model: Any) -> None:
        """Change a model, in place, into one that computes faster and cannot be trained."""

    def fill_branches(
        self,
        body: Any,
        inputs: dict[str, Any],
        branches: Collection[str],
        blank: Callable[[], AbstractContextManager[None]],
    ) -> dict[str, Any]:
        """The inputs of `base_model`, changed so that its pass goes through these branches.

        A branch without media gets a black clip, computed within `blank()`, that counts 0 times.
        """

    def read_config(self, config: dict[str, Any], settings: Any, where: str) -> Any:
        """The configuration of a published `config.json`; InputError for another model's."""

    def write_config(self, config: Any, layout: str) -> dict[str, Any]:
        """The `config.json` of a layout of `layouts`."""
