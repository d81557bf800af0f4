"""The command `mock-server`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from qbuild.cli.command import Debug, Json
from qbuild.cli.output import print_report

EXAMPLES = {"mock-server": "qbuild mock-server --port 8080 --latency 0.2"}

_PORT = typer.Option("--port", min=0, max=65_535, metavar="N", help="Port; 0 chooses a free one.")
_LATENCY = typer.Option("--latency", min=0.0, metavar="X", help="Seconds before each answer.")
_SCRIPT = typer.Option("--script", metavar="FILE", help="JSON list of faults (docs/ledger.md).")
_POLLS = typer.Option("--batch-polls", min=1, metavar="N", help="Polls after which a batch ends.")


def mock_server(
    port: Annotated[int, _PORT] = 0,
    latency: Annotated[float, _LATENCY] = 0.0,
    script: Annotated[Path | None, _SCRIPT] = None,
    batch_polls: Annotated[int, _POLLS] = 1,
    json_: Json = False,
    _debug: Debug = False,
) -> None:
    """Serve a mock of the OpenAI API on this machine.

    Requests of gpt-extend are answered with pairs made by its rules, others with any value that
    their JSON schema allows. Prints its address, for --base-url, and serves until Ctrl-C.
    GET /counts returns the number of requests and of distinct requests that were answered.
    """
    import asyncio

    from qbuild.llm.mock.faults import load_script
    from qbuild.llm.mock.server import MockServer
    from qbuild.pairs.mock_answers import depiction_answer

    faults = load_script(script) if script is not None else []

    async def run() -> None:
        mock = MockServer(faults, latency, depiction_answer, port=port, batch_polls=batch_polls)
        async with mock as server:
            print_report({"base_url": server.base_url}, lambda report: report["base_url"], json_)
            sys.stdout.flush()  # a script that starts this waits for the address
            await asyncio.Event().wait()

    asyncio.run(run())
