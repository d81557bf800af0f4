"""Chat completions from a service that speaks the OpenAI protocol; the only user of its client.

The client's own retries are off: `client.py` waits, counts and pays.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import MissingPartError, UsageError
from qbuild.llm.reply_policy import Lost, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Self

HIDDEN = "<key>"
SECRET = 16  # signs: a shorter key is a server's own word such as `test`, and may stand in answers
# The client's own mark for a reply that it shall not parse. Posting a plain body, instead of its
# typed `chat.completions`, saves 0.3 ms a request: a quarter of what one costs.
_UNPARSED: Any = {"headers": {"X-Stainless-Raw-Response": "true"}}


def load_openai() -> ModuleType:
    """The package `openai`; MissingPartError where it is not installed."""
    try:
        import openai
    except ImportError as error:
        raise MissingPartError("openai", "is not installed", todo="pip install openai") from error
    return openai


def read_key(key_env: str, base_url: str | None) -> str:
    """The key in an environment variable; `none` for a server of one's own that wants none."""
    key = os.environ.get(key_env, "").strip()
    if key:
        return key
    if base_url is not None:
        return "none"
    raise UsageError(
        key_env,
        "is not set",
        "expected an environment variable that holds the key",
        "Set it, name another with --key-env, or use --provider replay, which needs none.",
    )


class OpenAIClient:
    """Sends bodies and gives back replies; nothing in it ever shows the key."""

    def __init__(
        self,
        base_url: str | None = None,
        key_env: str = "OPENAI_API_KEY",
        time_limit_s: float = 120.0,
    ) -> None:
        openai = load_openai()
        self.key_env, self.time_limit_s = key_env, time_limit_s
        self._openai = openai
        self._key = read_key(key_env, base_url)
        self.sdk = openai.AsyncOpenAI(
            api_key=self._key,
            base_url=base_url,
            max_retries=0,
            timeout=time_limit_s,
            http_client=openai.DefaultAioHttpClient(),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def send(self, body: dict[str, Any]) -> Reply | Lost:
        """The reply to a chat completion, of whatever status, or how it was lost.

        Never raises for a fault of the connection, whichever library words it: what a transport
        raises may hold the request's headers, and with them the key.
        """
        openai = self._openai
        try:
            async with asyncio.timeout(self.time_limit_s):  # the client's own is for each read
                raw = await self.sdk.post(
                    "/chat/completions", cast_to=object, body=body, options=_UNPARSED
                )
        except openai.APIStatusError as error:
            return self._reply(error.response)
        except TimeoutError:
            return self._late()
        except Exception as error:  # of openai, httpx2, aiohttp or a codec
            return self.lost(error)
        return self._reply(raw.http_response)

    def lost(self, error: Exception) -> Lost:
        """What a failed exchange is: unsent only where no connection was made."""
        import aiohttp

        causes = list(_causes(error))
        for cause in causes:
            if isinstance(cause, aiohttp.ClientConnectorError):
                return Lost(self.hide(f"no connection: {cause}"), sent=False)
        if any(isinstance(cause, TimeoutError) for cause in causes):
            return self._late()
        return Lost(f"the connection failed: {type(causes[-1]).__name__}")

    def _late(self) -> Lost:
        return Lost(f"no answer within {self.time_limit_s:g} s")

    async def close(self) -> None:
        """Close all connections."""
        await self.sdk.close()

    def hide(self, text: str) -> str:
        """The text with the key masked, should a service send it back."""
        return text if self._key == "none" else text.replace(self._key, HIDDEN)

    def _reply(self, response: Any) -> Reply:
        """The reply; a short key is masked in complaints alone, for an answer may hold the word."""
        text = response.content.decode("utf-8", "replace")
        if response.status_code != 200 or len(self._key) >= SECRET:
            text = self.hide(text)
        return Reply(response.status_code, text, response.headers)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what caused it, and so on: openai's, then httpx2's, then aiohttp's."""
    while error is not None:
        yield error
        error = error.__cause__
