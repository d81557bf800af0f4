"""The mock server: loopback only, answers by a schema, rejects an invalid script."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request

import jsonschema
import pytest
from buying import SCHEMA, asks, buy

from qbuild.core.errors import InputError, UsageError
from qbuild.llm.mock.answers import example
from qbuild.llm.mock.faults import load_script, read_script
from qbuild.llm.mock.server import MockServer

NESTED = {
    "type": "object",
    "properties": {
        "pairs": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/pair"}},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "level": {"type": "integer", "minimum": 1},
    },
    "required": ["pairs", "note", "level"],
    "$defs": {"pair": SCHEMA},
}


@pytest.mark.parametrize("schema", [SCHEMA, NESTED])
def test_the_example_of_a_schema_is_valid_by_it(schema):
    jsonschema.validate(example(schema), schema)


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost", "::", "example.org"])
def test_any_host_but_loopback_is_rejected(host):
    with pytest.raises(UsageError, match="is not loopback"):
        MockServer(host=host)


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"do": "explode"}, "unknown fault 'explode'"),
        ({"match": "x"}, "has no key `do`"),
        ({"do": "hang", "time": 3}, r"unknown key 'time'\. Did you mean times\?"),
    ],
)
def test_an_invalid_script_is_rejected(entry, fault):
    with pytest.raises(UsageError, match=fault):
        read_script([entry])


def test_a_script_file_that_is_not_a_list_is_rejected(tmp_path):
    path = tmp_path / "faults.json"
    path.write_text("{}")
    with pytest.raises(InputError, match="is not a list"):
        load_script(path)
    path.write_text("[")
    with pytest.raises(InputError, match="cannot be read"):
        load_script(path)


def test_a_callable_makes_the_answers(tmp_path):
    def answer(body):
        return body["messages"][-1]["content"].upper()

    answers, _, server, _ = buy(tmp_path, asks(2), server_options={"answer": answer})
    assert {a.raw for a in answers.values()} == {"IS PICTURE 0. SHARP?", "IS PICTURE 1. SHARP?"}
    assert server.counts() == {
        "requests": 2,
        "answered": 2,
        "distinct": 2,
        "most_in_flight": server.most_in_flight,
    }


def test_the_command_serves_until_it_is_ended(tmp_path):
    script = tmp_path / "faults.json"
    script.write_text('[{"do": "status:500"}]')
    code = (
        "import typer; from qbuild.cli.commands import mock_server as of; typer.run(of.mock_server)"
    )
    command = [sys.executable, "-c", code, "--port", "0", "--script", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(url.removesuffix("/v1") + "/counts") as reply:
            assert json.load(reply)["requests"] == 0
        process.terminate()


def test_requests_to_unknown_paths_are_not_found():
    async def run():
        async with MockServer() as server:
            host, port = "127.0.0.1", int(server.base_url.split(":")[2].split("/")[0])
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
            head = await reader.readline()
            writer.close()
            await writer.wait_closed()
            return head

    assert b"404" in asyncio.run(run())
