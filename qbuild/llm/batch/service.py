"""The Files and Batch calls of a service, retried where that is safe.

The package's own retries would create a batch twice where the reply to the first call was lost,
and give up where `Retry-After` is long (docs/design/006-house.md).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from qbuild.llm.openai_client import OpenAIClient
from qbuild.llm.rate_limit import RetryPolicy, read_retry_after
from qbuild.llm.reply_policy import KeyRejectedError, ServiceError, is_retried

ENDED = frozenset({"completed", "expired", "failed", "cancelled"})
_WINDOW = "24h"  # the only one that the service offers


class BatchService:
    """Uploads files, creates and polls batches, downloads their rows."""

    def __init__(self, client: OpenAIClient, policy: RetryPolicy) -> None:
        self._client, self._policy = client, policy
        self._sdk = client.sdk
        self._draw = random.Random()  # noqa: S311 - only the time of retries

    async def upload(self, name: str, path: Path) -> str:
        """The id of an uploaded input file; uploading one twice costs nothing."""

        async def call() -> Any:
            file = (f"{name}.jsonl", path.read_bytes())
            return await self._sdk.files.create(file=file, purpose="batch")

        return str((await self._retry(call, "uploading the file of a batch")).id)

    async def create(self, file_id: str, endpoint: str, find_first: bool) -> str:
        """The id of the batch of that file: created now, or by a call whose reply was lost."""
        maybe_created = find_first

        async def call() -> str:
            nonlocal maybe_created
            if maybe_created and (batch_id := await self._find(file_id)) is not None:
                return batch_id
            maybe_created = True
            batch = await self._sdk.batches.create(
                input_file_id=file_id, endpoint=endpoint, completion_window=_WINDOW
            )
            return str(batch.id)

        return str(await self._retry(call, "creating a batch"))

    async def retrieve(self, batch_id: str) -> Any:
        """The batch with its current status."""
        return await self._retry(
            lambda: self._sdk.batches.retrieve(batch_id), f"retrieving {batch_id}"
        )

    async def download(self, file_id: str, path: Path) -> None:
        """Write the content of a file to `path`."""

        async def call() -> None:
            async with self._sdk.files.with_streaming_response.content(file_id) as reply:
                await reply.stream_to_file(path)

        await self._retry(call, f"downloading {file_id}")

    async def _find(self, file_id: str) -> str | None:
        async for batch in self._sdk.batches.list(limit=100):
            if batch.input_file_id == file_id:
                return str(batch.id)
        return None

    async def _retry(self, call: Callable[[], Awaitable[Any]], what: str) -> Any:
        """The result of the call, after as many attempts as are allowed."""
        import aiohttp
        import openai

        attempts = self._policy.max_attempts
        for attempt in range(1, attempts + 1):
            try:
                return await call()
            except openai.APIStatusError as error:
                message = self._client.mask(str(error.message))
                self._raise_final(error.status_code, what, message)
                wait_s = read_retry_after(error.response.headers)
            except (openai.OpenAIError, aiohttp.ClientError, UnicodeError) as error:
                wait_s, message = None, self._client.explain_failure(error).reason
            if attempt < attempts:
                back_off_s = self._policy.back_off_s(attempt, self._draw)
                await asyncio.sleep(back_off_s if wait_s is None else wait_s)
        raise ServiceError(
            "the service",
            f"{what} failed {attempts} times: {message}",
            "expected success",
            "Run again: batches that were created are not created again.",
        )

    def _raise_final(self, status: int, what: str, message: str) -> None:
        """Raise for a status that another attempt cannot change."""
        if status in {401, 403}:
            raise KeyRejectedError(self._client.key_env, message)
        if not is_retried(status):
            raise ServiceError(
                "the service",
                f"{what} was rejected (HTTP {status}): {message}",
                "expected a service with the Files and Batch API",
                "Use --provider openai.",
            )
