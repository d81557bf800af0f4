"""The options of `gpt-extend`: those that change its rows, and those that do not."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_serializer

from qbuild.core.engine.stage import Options, Runtime, ValueHint


def _check_number(text: str) -> str:
    try:
        valid = not text or 0 <= float(text) < float("inf")
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("expected a number from 0, or nothing")
    return text


Number = Annotated[str, AfterValidator(_check_number)]


class ExtendOptions(Options):
    """Source of the answers, requests, and revisions of faulty answers."""

    provider: Literal["rules", "openai", "openai-batch", "replay"] = Field(
        default="rules", description="Source of the answers; see above."
    )
    model: str = Field(default="", description="Name of the model on the server.")
    prompts: Annotated[str, ValueHint("DIR")] = Field(
        default="", description="Folder of templates that replace the shipped ones."
    )
    structured: bool = Field(default=True, description="Request JSON by a schema, else plain text.")
    temperature: Number = Field(
        default="", description="Sampling temperature; by default not sent."
    )
    max_output_tokens: int = Field(default=1200, ge=16, description="Most tokens per answer.")
    tier: Literal["standard", "flex"] = Field(
        default="standard", description="Service tier; flex is cheaper and slower."
    )
    max_revisions: int = Field(
        default=2, ge=0, le=10, description="How often a faulty answer is sent back for revision."
    )
    aspects: Literal["each", "together"] = Field(
        default="each",
        description="Aspects of a generated video: one pair for each, or the pairs of one overall "
        "depiction, without a temporal one.",
    )
    extended_share: float = Field(
        default=0.207,
        ge=0,
        le=1,
        description="Share of the pathway feedbacks that get an extended conversation; Q-SiT has "
        "12 of 58 thousand.",
    )
    seed: int = Field(
        default=0, ge=0, description="Seed of wordings, right answers and the order of choices."
    )

    @field_serializer("provider")
    def _same_for_models(self, provider: str) -> str:
        """All providers that ask a model give the same rows for the same answers."""
        return provider if provider == "rules" else "model"

    @field_serializer("prompts")
    def _without_path(self, folder: str) -> str:
        """Only whether there are other templates; their hashes identify them."""
        return "own" if folder else ""


class ExtendRuntime(Runtime):
    """Server, ledger, rate of requests and cost limit.

    Rejected pairs cost only money, so by default no run fails because of their number.
    """

    max_reject_share: float = Field(
        default=1, ge=0, le=1, description="Rejected pairs per depiction above which the run fails."
    )
    base_url: str = Field(default="", description="Address of the server; by default OpenAI's.")
    key_env: Annotated[str, ValueHint("NAME")] = Field(
        default="OPENAI_API_KEY", description="Environment variable with the key."
    )
    ledger: Annotated[str, ValueHint("DIR")] = Field(
        default="", description="Folder of the ledger; by default `ledger` next to the output."
    )
    max_usd: Number = Field(default="", description="Most dollars that this run may spend.")
    prices: Annotated[str, ValueHint("FILE")] = Field(
        default="", description="Price file; by default the newest shipped one."
    )
    concurrency: int = Field(default=16, ge=1, le=4096, description="Requests at a time.")
    max_attempts: int = Field(default=6, ge=1, description="Most attempts at a failing request.")
    timeout: float = Field(default=120, gt=0, description="Seconds to wait for an answer.")
    poll_interval: float = Field(
        default=15, gt=0, description="Seconds before a batch is polled first."
    )
    batch_files: Annotated[str, ValueHint("DIR")] = Field(
        default="",
        description="openai-batch: folder to write batches to and read their answers from, "
        "for `vllm run-batch`; nothing is sent.",
    )
    max_consecutive_failures: int = Field(
        default=10, ge=1, description="Consecutive failures of one kind after which the run stops."
    )
    enqueued_tokens: int = Field(
        default=0, ge=0, description="Most tokens in batches at a time; 0: no limit."
    )
