"""What `gpt-extend` is asked for: what counts for rows, and what does not."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_serializer, field_validator

from qbuild.core.engine.stage import Options, Runtime

NUMBER = "expected a number from 0, or nothing"


class ExtendOptions(Options):
    """What is asked for, of whom, and how often again."""

    provider: Literal["rules", "openai", "openai-batch", "replay"] = Field(
        default="rules", description="Who answers; see above."
    )
    model: str = Field(default="", description="Model to ask, as the server calls it.")
    prompts: str = Field(
        default="", description="Folder of templates that take the place of those of qbuild."
    )
    structured: bool = Field(
        default=True, description="Hold the server to a JSON schema; else the text form is asked."
    )
    temperature: str = Field(default="", description="Sampling temperature; not sent unless given.")
    max_output_tokens: int = Field(default=1200, ge=16, description="Most tokens of an answer.")
    tier: Literal["standard", "flex"] = Field(
        default="standard", description="Service tier; flex is cheaper and slower."
    )
    again: int = Field(
        default=2, ge=0, le=10, description="How often an answer with faults is asked for again."
    )
    seed: int = Field(default=0, ge=0, description="Chooses wordings, Yes or No, order of choices.")

    @field_serializer("provider")
    def _same_answers(self, provider: str) -> str:
        """All that ask a model give the same rows for the same answers."""
        return provider if provider == "rules" else "model"

    @field_serializer("prompts")
    def _by_content(self, folder: str) -> str:
        """That there are other templates; what they are, their hashes say."""
        return "own" if folder else ""

    @field_validator("temperature")
    @classmethod
    def _a_number(cls, text: str) -> str:
        return _number(text)


class ExtendRuntime(Runtime):
    """Where the server and the ledger are, how fast is asked, and for how much.

    Pairs that are kept apart cost money and no more: few runs should fail for their number.
    """

    max_reject_share: float = Field(
        default=1, ge=0, le=1, description="Pairs kept apart to depictions above which it fails."
    )

    base_url: str = Field(default="", description="Server to ask instead of the client's own.")
    key_env: str = Field(
        default="OPENAI_API_KEY", description="Environment variable that holds the key."
    )
    ledger: str = Field(
        default="", description="Folder of the ledger; else `ledger` beside the output."
    )
    max_usd: str = Field(default="", description="Most dollars this run may spend: a hard stop.")
    prices: str = Field(default="", description="Price file instead of the newest that ships.")
    concurrency: int = Field(default=16, ge=1, le=4096, description="Requests under way at once.")
    attempts: int = Field(default=6, ge=1, description="Attempts at a request that fails.")
    time_limit: float = Field(default=120, gt=0, description="Seconds to wait for an answer.")
    poll: float = Field(default=15, gt=0, description="Seconds before a batch is looked at first.")
    batch_files: str = Field(
        default="",
        description="openai-batch: folder to write batches to and read their answers from, "
        "for `vllm run-batch`; nothing is sent.",
    )
    breaker: int = Field(
        default=10, ge=1, description="Requests in a row that may fail alike before it stops."
    )
    enqueued_tokens: int = Field(
        default=0, ge=0, description="Tokens that batches may hold at a time; 0: no limit."
    )

    @field_validator("max_usd")
    @classmethod
    def _a_sum(cls, text: str) -> str:
        return _number(text)


def _number(text: str) -> str:
    try:
        good = not text or 0 <= float(text) < float("inf")
    except ValueError:
        good = False
    if not good:
        raise ValueError(NUMBER)
    return text
