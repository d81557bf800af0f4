"""Chat completions from a service with the OpenAI protocol; the only user of its package.

The package's own retries are off: `client.py` waits, counts and pays.
"""

from __future__ import annotations

import asyncio
import os
from types import ModuleType
from typing import Any, Self

from qbuild.core.errors import MissingPartError, UsageError
from qbuild.llm.reply_policy import NoReply, Reply

MASK = "<key>"
# Characters. A shorter key, such as the `test` of a local server, may also occur in answers.
MASKED_KEY_LENGTH = 16
# The package's own option for a reply that it does not parse. Posting a plain body, instead of its
# typed `chat.completions`, saves 0.3 ms per request: a quarter of its cost.
_UNPARSED: Any = {"headers": {"X-Stainless-Raw-Response": "true"}}


def load_openai() -> ModuleType:
    """The package `openai`; MissingPartError where it is not installed."""
    try:
        import openai
    except ImportError as error:
        raise MissingPartError("openai", "is not installed", todo="pip install openai") from error
    return openai


def read_key(key_env: str, base_url: str | None) -> str:
    """The key in an environment variable; `none` for a local server that needs none."""
    key = os.environ.get(key_env, "").strip()
    if key:
        return key
    if base_url is not None:
        return "none"
    raise UsageError(
        key_env,
        "is not set",
        "expected an environment variable with the key",
        "Set it, name another with --key-env, or use --provider replay, which needs none.",
    )


class OpenAIClient:
    """Sends bodies and returns replies; the key never appears in what it returns or raises."""

    def __init__(
        self,
        base_url: str | None = None,
        key_env: str = "OPENAI_API_KEY",
        timeout_s: float = 120.0,
    ) -> None:
        openai = load_openai()
        self.key_env, self.timeout_s = key_env, timeout_s
        self._openai = openai
        self._key = read_key(key_env, base_url)
        self.sdk = openai.AsyncOpenAI(
            api_key=self._key,
            base_url=base_url,
            max_retries=0,
            timeout=timeout_s,
            http_client=openai.DefaultAioHttpClient(),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.sdk.close()

    async def send(self, body: dict[str, Any]) -> Reply | NoReply:
        """The reply to a chat completion, of any status, or why none came.

        Never raises for a failed connection, whichever library reports it: the error of a
        transport may hold the request's headers, and with them the key.
        """
        try:
            async with asyncio.timeout(self.timeout_s):  # the package's timeout is per read
                raw = await self.sdk.post(
                    "/chat/completions", cast_to=object, body=body, options=_UNPARSED
                )
        except self._openai.APIStatusError as error:
            return self._reply(error.response)
        except TimeoutError:
            return self._timed_out()
        except Exception as error:  # of openai, httpx2, aiohttp or a codec
            return self.explain_failure(error)
        return self._reply(raw.http_response)

    def explain_failure(self, error: Exception) -> NoReply:
        """Why an exchange failed; it counts as unsent only where no connection was made."""
        import aiohttp

        causes: list[BaseException] = [error]  # openai's, then httpx2's, then aiohttp's
        while (cause := causes[-1].__cause__) is not None:
            causes.append(cause)
        for cause in causes:
            if isinstance(cause, aiohttp.ClientConnectorError):
                return NoReply(self.mask(f"no connection: {cause}"), sent=False)
        if any(isinstance(cause, TimeoutError) for cause in causes):
            return self._timed_out()
        return NoReply(f"the connection failed: {type(causes[-1]).__name__}")

    def _timed_out(self) -> NoReply:
        return NoReply(f"no answer within {self.timeout_s:g} s")

    def mask(self, text: str) -> str:
        """The text with the key masked, which a service may send back."""
        return text if self._key == "none" else text.replace(self._key, MASK)

    def _reply(self, response: Any) -> Reply:
        """The reply; a short key is masked in errors only, since an answer may contain the word."""
        text = response.content.decode("utf-8", "replace")
        if response.status_code != 200 or len(self._key) >= MASKED_KEY_LENGTH:
            text = self.mask(text)
        return Reply(response.status_code, text, response.headers)
