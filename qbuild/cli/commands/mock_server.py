"""The command `mock-server`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from qbuild.cli.flags import Debug, Json
from qbuild.cli.output import print_json, say

_PORT = typer.Option("--port", min=0, max=65_535, help="Port on loopback; 0 takes a free one.")
_LATENCY = typer.Option("--latency", min=0.0, help="Seconds before each answer.")
_SCRIPT = typer.Option("--script", help="JSON list of faults (docs/ledger.md).")
_POLLS = typer.Option("--batch-polls", min=1, help="Looks after which a batch ends.")


def mock_server(
    port: Annotated[int, _PORT] = 0,
    latency: Annotated[float, _LATENCY] = 0.0,
    script: Annotated[Path | None, _SCRIPT] = None,
    batch_polls: Annotated[int, _POLLS] = 1,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Run a small server that speaks the OpenAI protocol, on loopback.

    It answers the requests of gpt-extend with pairs made by its rules, others with what their
    schema allows. Prints its address, for --base-url, and serves until Ctrl-C. GET /counts says how
    many requests came and how many different ones were answered.
    """
    import asyncio

    from qbuild.llm.mock.faults import load_script
    from qbuild.llm.mock.server import MockServer
    from qbuild.pairs.mock_answers import depiction_answer

    faults = load_script(script) if script is not None else []

    async def run() -> None:
        made = MockServer(faults, latency, depiction_answer, port=port, batch_polls=batch_polls)
        async with made as server:
            print_json({"base_url": server.base_url}) if json_ else say(server.base_url)
            sys.stdout.flush()  # a script that starts this waits for the address
            await server.forever()

    asyncio.run(run())
