"""A second model family, as small as the protocol allows: a patch embedding before a tiny Llama.

It shares nothing with VQA² but the protocol: another language model, another chat template, a
tokenizer of whole words, one branch for media.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from qbuild_backends.backend import FamilyBackend
from qbuild_backends.models.family import (
    FamilySettings,
    FreezingPlan,
    ImportSettings,
    ModelFamily,
    ParameterGroup,
    Processor,
    ScoringPrompt,
)
from qbuild_backends.models.generation import MediaGenerationMixin, cache_name
from qbuild_backends.models.inputs import Clip, Encoded, Extent, Turn
from qbuild_backends.models.padding import padded
from qbuild_backends.models.saved_files import TOKENIZER, require_files
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor, nn
from toy_clips import SIDE, ToyClips
from transformers import (
    LlamaConfig,
    LlamaModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    set_seed,
)
from transformers.modeling_outputs import CausalLMOutputWithPast

from qbuild.backends.conversation import PLACE
from qbuild.core.rows.rejections import RejectedError

WORDS = ("bad", "poor", "fair", "good", "excellent")
TEXT = "USER: ASSISTANT: How is the quality of this image video ? The is What Why"
VOCABULARY = ["<pad>", "</s>", "<unk>", "<image>", *dict.fromkeys([*TEXT.split(), *WORDS])]
PAD, END, UNKNOWN, IMAGE = range(4)
TOKENS = (SIDE // 16) ** 2  # of an image
FILE = "toy_processor.json"


class ToyConfig(LlamaConfig):
    model_type = "toy"


class _Toy(PreTrainedModel):
    config_class = ToyConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _supports_sdpa = True


class ToyModel(_Toy):
    def __init__(self, config: ToyConfig) -> None:
        super().__init__(config)
        self.patches = nn.Conv2d(3, config.hidden_size, 16, 16)
        self.language_model = LlamaModel(config)
        self.post_init()

    def embedded(self, input_ids: Tensor, images: Tensor | None = None) -> Tensor:
        """The text's embeddings with the tokens of images uint8 (k, s, s, 3) in their places."""
        embeds = self.language_model.embed_tokens(input_ids)
        if images is None:
            return embeds
        return embeds.masked_scatter((input_ids == IMAGE)[..., None], self.image_tokens(images))

    def image_tokens(self, images: Tensor) -> Tensor:
        """(k · TOKENS, hidden)."""
        weight = self.patches.weight
        pixels = images.permute(0, 3, 1, 2).to(weight.device, weight.dtype) / 127.5 - 1
        return self.patches(pixels).flatten(2).transpose(1, 2).flatten(0, 1)

    def forward(self, input_ids=None, inputs_embeds=None, images=None, **kwargs: Any) -> Any:
        if inputs_embeds is None:
            inputs_embeds = self.embedded(input_ids, images)
        return self.language_model(inputs_embeds=inputs_embeds, **kwargs)


class ToyForConditionalGeneration(_Toy, MediaGenerationMixin):
    media_inputs = ("images",)

    def __init__(self, config: ToyConfig) -> None:
        super().__init__(config)
        self.model = ToyModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        images: Tensor | None = None,
        logits_to_keep: Any = 0,
        **kwargs: Any,
    ) -> Any:
        mask = {"attention_mask": attention_mask, "position_ids": position_ids}
        body = self.model(input_ids, images=images, **mask, **kwargs)
        kept = (
            logits_to_keep if isinstance(logits_to_keep, Tensor) else slice(-logits_to_keep, None)
        )
        logits = self.lm_head(body.last_hidden_state[:, kept])
        name = cache_name(self)
        return CausalLMOutputWithPast(logits=logits, **{name: getattr(body, name)})


class ToyProcessor(Processor):
    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        self.max_length, self.pad_token_id, self.end_token_id = 128, PAD, END
        self.media_token_ids = (IMAGE,)

    @property
    def clips(self) -> ToyClips:
        return ToyClips()

    def branches(self, kind: Literal["image", "video"]) -> set[str]:
        return {"visual"}

    def encode(
        self,
        turns: Sequence[Turn],
        clip: Clip | Extent | None = None,
        *,
        video_prompt: str | None = None,
        open_end: bool = False,
    ) -> Encoded:
        """`USER: … ASSISTANT: …</s>`; a video is shown by all its key frames."""
        if sum(turn.text.count(PLACE) for turn in turns) != (clip is not None):
            raise RejectedError("placeholders", "expected one for each medium")
        ids, answer = list[int](), list[bool]()
        for number, turn in enumerate(turns):
            says, last = turn.role == "assistant", number == len(turns) - 1
            images = "<image> " * (clip.extent.keys * TOKENS if isinstance(clip, Clip) else 0)
            role = self._ids("ASSISTANT:" if says else "USER:")
            text = self._ids(turn.text.replace(PLACE, f" {images}"))
            text += [END] if says and not (open_end and last) else []
            ids += role + text
            answer += [False] * len(role) + [says] * len(text)
        if open_end and turns[-1].role != "assistant":
            ids += self._ids("ASSISTANT:")
            answer += [False]
        if len(ids) > self.max_length or isinstance(clip, Extent):
            raise RejectedError("too-long", f"{len(ids)} tokens; expected {self.max_length}")
        media = {} if clip is None else {"visual": clip.keys}
        return Encoded(np.array(ids), np.array(answer), media)

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    def collate(
        self,
        samples: Sequence[Encoded],
        *,
        padding: Literal["right", "left"] = "right",
        labels: bool = True,
    ) -> dict[str, Tensor]:
        batch = padded(samples, PAD, padding, labels)
        images = [sample.media["visual"] for sample in samples if sample.media]
        return batch | ({"images": torch.from_numpy(np.concatenate(images))} if images else {})

    def estimate_tokens(
        self, kind: str, characters: int, num_frames: int, fps: float, video_prompt: str
    ) -> int:
        return characters // 4 + TOKENS

    def save(self, folder: Path) -> None:
        self.tokenizer.save_pretrained(folder)
        (folder / FILE).write_text(json.dumps({"side": SIDE}))


class ToySettings(FamilySettings):
    plan: Literal["all", "images"]
    images_rate: float | None = None
    language_model_rate: float | None = None


class ToyFamily(ModelFamily):
    name = "toy"
    config_class = ToyConfig
    model_class = ToyForConditionalGeneration
    processor_file = FILE
    presets = ("tiny",)
    scoring = ScoringPrompt(
        "How is the quality of this {kind} ?", "The quality is", {"toy": WORDS}, {}
    )
    shares_prefix = False
    groups: ClassVar = {
        "images": ParameterGroup(("model.patches.",), "visual"),
        "language_model": ParameterGroup(("model.language_model.", "lm_head."), "text"),
    }
    never_trained = ()
    read_directly: ClassVar = {}
    plans: ClassVar = {
        "all": FreezingPlan(("images", "language_model")),
        "images": FreezingPlan(("images",), "image"),
    }
    train_settings = ToySettings
    layouts: ClassVar = {}
    part_layouts: ClassVar = {}
    import_settings = ImportSettings

    def tiny(self, seed: int) -> tuple[ToyForConditionalGeneration, ToyProcessor]:
        set_seed(seed)
        config = ToyConfig(
            vocab_size=len(VOCABULARY),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=128,
            initializer_range=0.1,
            pad_token_id=PAD,
            bos_token_id=None,
            eos_token_id=END,
        )
        ids = {word: number for number, word in enumerate(VOCABULARY)}
        tokenizer = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        return ToyForConditionalGeneration(config), ToyProcessor(
            PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>")
        )

    def processor(self, config: ToyConfig, tokenizer: Any) -> ToyProcessor:
        return ToyProcessor(tokenizer)

    def load_processor(self, folder: Path, config: ToyConfig) -> ToyProcessor:
        require_files(folder, FILE, TOKENIZER)
        return ToyProcessor(PreTrainedTokenizerFast.from_pretrained(folder))

    def prepare_inference(self, model: Any) -> None:
        """Nothing."""

    def fill_branches(self, body, inputs, branches, blank) -> dict[str, Any]:
        if "visual" not in branches or inputs.get("images") is not None:
            return inputs
        embeds = body.embedded(inputs["input_ids"])
        with blank():
            black = torch.zeros(1, SIDE, SIDE, 3, dtype=torch.uint8)
            embeds = embeds + 0 * body.image_tokens(black).sum()
        rest = {name: value for name, value in inputs.items() if name != "input_ids"}
        return {**rest, "inputs_embeds": embeds}

    def read_config(self, config: dict[str, Any], settings: Any, where: str) -> ToyConfig:
        raise NotImplementedError

    def write_config(self, config: Any, layout: str) -> dict[str, Any]:
        raise NotImplementedError


FAMILY = ToyFamily()


def toy(model: str = "") -> FamilyBackend:
    """The backend `toy`."""
    return FamilyBackend("toy", lambda: FAMILY, model)
