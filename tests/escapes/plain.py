"""The control: a plain child process, which speaks with its host as many do."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import sys
import traceback
from typing import Any

HEADER = struct.Struct(">BIII")
REQUEST, ANSWER, RESULT, ERROR, PROGRESS, ASK = 2, 4, 18, 19, 20, 24
REPORT = {"tier": "plain", "enforced": []}


def send(descriptor: int, kind: int, number: int, value: Any) -> None:
    """Send a value as JSON, or as a pickle where it is more than JSON can say."""
    try:
        text, blob = json.dumps(value).encode(), b""
    except (TypeError, ValueError):
        text, blob = b'{"$pickle": true}', pickled(value)
    data = memoryview(HEADER.pack(kind, number, len(text), len(blob)) + text + blob)
    while data:
        data = data[os.write(descriptor, data) :]


def pickled(value: Any) -> bytes:
    """Return the pickle of a value, after a try to make it simpler."""
    if hasattr(value, "model_dump"):
        value = value.model_dump()
    if hasattr(value, "__next__"):
        value = list(value)
    try:
        return pickle.dumps(value)
    except Exception:
        return pickle.dumps(repr(value))


def read_exactly(descriptor: int, size: int) -> bytes:
    """Read so many bytes."""
    data = io.BytesIO()
    while data.tell() < size:
        block = os.read(descriptor, min(size - data.tell(), 1 << 20))
        if not block:
            raise EOFError
        data.write(block)
    return data.getvalue()


def receive(descriptor: int) -> tuple[int, int, Any]:
    """Return the kind, the number and the value of the next frame."""
    kind, number, text_size, blob_size = HEADER.unpack(read_exactly(descriptor, HEADER.size))
    text = read_exactly(descriptor, text_size)
    read_exactly(descriptor, blob_size)
    return kind, number, json.loads(text)


def serve(descriptor: int = 3) -> None:
    """Do what the host asks for, one thing after the other, until it closes the channel."""
    module: dict[str, Any] = {"__name__": "attempt"}
    current = [0]

    def tell(value: Any) -> None:
        send(descriptor, PROGRESS, current[0], value)

    def ask(name: str, operation: str, *arguments: Any) -> Any:
        send(descriptor, ASK, current[0], {"name": name, "operation": operation, "args": arguments})
        _, _, value = receive(descriptor)
        return value

    while True:
        try:
            _, current[0], request = receive(descriptor)
        except EOFError:
            return
        try:
            if request["verb"] == "report":
                value: Any = REPORT
            elif request["verb"] == "honest":
                value = "honest"
            elif request["verb"] == "load":
                path = request["body"]
                sys.path.insert(0, os.path.dirname(path))
                with open(path) as file:
                    source = file.read()
                code = compile(source, path, "exec", dont_inherit=True)
                module |= {"__file__": path}
                exec(code, module)
                module |= {"ask": ask, "tell": tell}
                value = "loaded"
            else:
                value = module["attempt"](request["body"])
            send(descriptor, RESULT, current[0], value)
        except BaseException as error:
            try:
                traceback.print_exception(error)
                send(descriptor, ERROR, current[0], error)
            except BaseException:
                send(descriptor, ERROR, current[0], "an error that cannot be told")


if __name__ == "__main__":
    serve()
