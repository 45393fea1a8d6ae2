"""The rule table of what dotted names mean: which danger, and what declares it.

A name is a finished reference, as the evaluator works it out:

- ``os.system``, ``builtins.eval``: what a module holds;
- ``pathlib.Path().write_text``: ``()`` is the result of calling;
- ``*.write_text``: a method of something that nobody knows.

:func:`meaning` takes the longest prefix that a table has. A name that a table
lists as nothing ends the search: all of `subprocess` starts programs, and
``subprocess.PIPE`` does not. What a call returns means only what is listed for
it: ``requests.get().json`` is nothing new beside ``requests.get``. Its methods
are then looked up as those of something unknown.

Conditions
    Where the danger lies in an argument, ``Meaning.condition`` says which.
    An argument is written ``POSITION/WORD``, ``POSITION`` or ``WORD``; parts are
    joined with ``&``, and all must hold. Positions are those of the call as the name
    is written; a method called on its class, ``Path.unlink(p)``, counts them one higher.

    ``if:ARG=VALUE|VALUE``
        the argument is one of the values, or cannot be known. It does not hold
        where the argument is absent.
    ``unless:ARG=VALUE|VALUE``
        it does not hold where the argument surely is one of the values; it
        does where the argument is absent or cannot be known.
    ``mode:ARG``
        the text of a mode says writing (one of ``w a x +``), or cannot be known.
        It does not hold where the argument is absent.
    ``writes:ARG``
        the argument surely is a mode, of ``r w x a b t U +`` alone, and says writing.
    ``flags:ARG``
        as ``mode``, for the flags of ``os.open`` (all but ``O_RDONLY`` and
        ``O_CLOEXEC`` and their like write).
    ``text:ARG``
        the argument is given and is not surely None, a number, or something in
        memory (``io.BytesIO()``, ``io.StringIO()``, a stream): it may name a place.
    ``place:ARG``
        the argument surely is text or a path.
    ``url:ARG``
        the argument is text with a scheme, as ``https://``. It does not
        hold where nothing is known of it; what is not proven counts with ``otherwise``.
    ``names:ARG``
        a mapping of `logging.config` has a key ``()``, a ``class`` that is none of
        `logging`, or a text ``ext://`` other than the standard streams; or it cannot
        be known: it names code.
    ``given:ARG``
        the argument is given, and not surely None.

    A VALUE is a constant as Python writes it without quotes (``True``,
    ``:memory:``) or the last part of a dotted name (``SafeLoader``).
    A reference that is not called has no arguments that could be known: its
    condition counts as fulfilled unless ``called`` says that only calls count.
"""

from __future__ import annotations

from .aliases import ALIASES, canonical
from .lookup import bare, entries, meaning
from .meaning import RECEIVER, Meaning

__all__ = ["ALIASES", "RECEIVER", "Meaning", "bare", "canonical", "entries", "meaning"]
