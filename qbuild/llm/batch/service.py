"""The Files and Batch calls of a service, tried again where that is safe."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from qbuild.llm.errors import KeyRefused, ServiceError
from qbuild.llm.rate_limit import Manners, retry_after

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from qbuild.llm.openai_client import OpenAIClient

ENDED = frozenset({"completed", "expired", "failed", "cancelled"})
_WINDOW = "24h"  # the only one that there is


class BatchService:
    """Uploads files, makes and looks at batches, fetches their rows."""

    def __init__(self, client: OpenAIClient, manners: Manners) -> None:
        self._client, self._manners = client, manners
        self._sdk = client.sdk
        self._draw = random.Random()  # noqa: S311 - spreads retries, decides nothing

    async def upload(self, name: str, path: Path) -> str:
        """The id of an uploaded input file; one uploaded twice costs nothing."""

        async def call() -> Any:
            return await self._sdk.files.create(
                file=(f"{name}.jsonl", path.read_bytes()), purpose="batch"
            )

        return str((await self._again(call, "the upload of a batch's file")).id)

    async def create(self, file_id: str, endpoint: str, look_first: bool) -> str:
        """The id of the batch of that file: made now, or before by a call whose reply was lost."""
        seen = look_first

        async def call() -> str:
            nonlocal seen
            if seen and (found := await self._find(file_id)) is not None:
                return found
            seen = True
            made = await self._sdk.batches.create(
                input_file_id=file_id,
                endpoint=endpoint,
                completion_window=_WINDOW,
            )
            return str(made.id)

        return str(await self._again(call, "the making of a batch"))

    async def look(self, batch_id: str) -> Any:
        """The batch as it stands."""
        return await self._again(
            lambda: self._sdk.batches.retrieve(batch_id), f"a look at {batch_id}"
        )

    async def fetch(self, file_id: str, path: Path) -> None:
        """The bytes of a file, in `path`."""

        async def call() -> None:
            async with self._sdk.files.with_streaming_response.content(file_id) as reply:
                await reply.stream_to_file(path)

        await self._again(call, f"the fetching of {file_id}")

    async def _find(self, file_id: str) -> str | None:
        """The id of a batch of that file, if there is one."""
        async for batch in self._sdk.batches.list(limit=100):
            if batch.input_file_id == file_id:
                return str(batch.id)
        return None

    async def _again(self, call: Callable[[], Awaitable[Any]], what: str) -> Any:
        """What the call gives, after as many attempts as are allowed."""
        import aiohttp
        import openai

        for attempt in range(1, self._manners.attempts + 1):
            try:
                return await call()
            except openai.APIStatusError as error:
                said = self._client.hide(str(error.message))
                self._refuse(error.status_code, what, said)
                wait = retry_after(error.response.headers)
            except (openai.OpenAIError, aiohttp.ClientError, UnicodeError) as error:
                wait, said = None, self._client.lost(error).what
            if attempt < self._manners.attempts:
                rest = self._manners.back_off(attempt, self._draw) if wait is None else wait
                await asyncio.sleep(rest)
        raise ServiceError(
            "the service",
            f"{what} failed {self._manners.attempts} times: {said}",
            "expected it to work",
            "Run again: batches that were made are not made again.",
        )

    def _refuse(self, status: int, what: str, said: str) -> None:
        """Raise for a status that another attempt cannot change."""
        if status in {401, 403}:
            raise KeyRefused(self._client.key_env, f"the service does not take this key ({said})")
        if status not in {408, 409, 429} and status < 500:
            raise ServiceError(
                "the service",
                f"{what} was refused (HTTP {status}): {said}",
                "expected a service with the Files and Batch API",
                "Use --provider openai.",
            )
