"""What a worker asks of its host: each question is one task, in the context of its call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import WorkerError
from . import frames
from .failures import failure_to
from .frames import Frame, Malformed
from .payloads import Blob, decode, encode

if TYPE_CHECKING:
    from .channel import Channel

__all__ = ["Answer", "Questions"]

#: ``answer(name, operation, args, kwargs)``: a value, or an awaitable of one.
Answer: TypeAlias = Callable[[str, str, list[Any], dict[str, Any]], Any]
_MOST = 256  # that the host works on at a time


class Questions:
    """Those of one worker.

    :param answer: serves them; None = nothing is lent to it.
    """

    def __init__(self, channel: Channel, answer: Answer | None) -> None:
        self._channel = channel
        self._answer = answer
        self._asked: dict[int, asyncio.Task[None] | None] = {}

    def take(self, frame: Frame, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to answer a question, on the loop of the call that it belongs to.

        :raises Malformed: when it is none, or one too many.
        """
        value = decode(frame.text, frame.blob)
        forms = (str, str, list, dict, int)
        if not isinstance(value, list) or [type(part) for part in value] != list(forms):
            raise Malformed("a question came that asks nothing")
        name, operation, args, kwargs, asker = value
        with self._channel.lock:
            if frame.id in self._asked or len(self._asked) >= _MOST:
                raise Malformed("more questions came than one may ask at a time")
            self._asked[frame.id] = None
            call = self._channel.call(asker)
        at = loop if call is None or call.loop.is_closed() else call.loop
        serving = self._serve(frame.id, name, operation, args, kwargs)
        context = call.context if call is not None else None

        def begin() -> None:
            self._asked[frame.id] = at.create_task(serving, context=context)

        if at is loop:
            begin()
        else:
            at.call_soon_threadsafe(begin)

    async def _serve(
        self, id: int, name: str, operation: str, args: list[Any], kwargs: dict[str, Any]
    ) -> None:
        kind = frames.ANSWER
        blob: list[Blob] = []
        try:
            if self._answer is None:
                raise WorkerError(
                    f"{self._channel.name} asks for {name}, and nothing is lent to it"
                )
            value = self._answer(name, operation, args, kwargs)
            if isawaitable(value):
                value = await value
            text, blob = encode(value)
        except Exception as error:
            kind = frames.REFUSAL
            text, blob = encode({**failure_to(error), "traceback": ""})
        finally:
            self._asked.pop(id, None)
        self._channel.send(kind, id, text, blob)

    def end(self) -> None:
        """Answer none of them any more; from any thread."""
        with self._channel.lock:
            asked, self._asked = [task for task in self._asked.values() if task], {}
        for task in asked:
            try:
                task.get_loop().call_soon_threadsafe(task.cancel)
            except RuntimeError:
                continue
