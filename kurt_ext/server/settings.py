"""How a server serves."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ServerSettings"]


class ServerSettings(NamedTuple):
    """How a server serves.

    :param url: where others reach it, ``https://skills.example.org``; the address that each
        request names if "".
    :param rate: requests that an address may make in a second, on the average; 0 for any number.
    :param burst: so many at once.
    :param uploads: releases that a token, and an address, may upload in an hour.
    :param guesses: wrong tokens that an address may show in an hour.
    :param seconds: of processor time that the judgement of an upload may take; thrice that of
        wall time.
    :param memory: bytes that it may use.
    :param judges: judgements at a time; who comes besides is told to come again.
    """

    url: str = ""
    rate: float = 50.0
    burst: int = 500
    uploads: int = 60
    guesses: int = 20
    seconds: int = 60
    memory: int = 2 << 30
    judges: int = 2
