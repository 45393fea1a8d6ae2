"""Keep secrets out of what is said: messages, tracebacks and log records.

Whoever knows a plugin's settings knows its secrets, and whatever the plugin
raises or logs may quote them. What is masked is the value, wherever it stands.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from json import dumps
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

from .errors import KurtError

__all__ = ["Masker", "shield", "shielded", "texts"]

#: What stands in the place of a secret.
HIDDEN = "***"
#: A shorter value stands in too many other words to be masked wherever it stands.
_LEAST = 4
#: Levels of lists and mappings that are looked into.
_DEPTH = 12
#: What the interpreter's own exceptions keep beside their arguments.
_SLOTS = ("strerror", "filename", "filename2", "msg", "text", "code", "value")
#: A line of a longer secret, such as a private key, is one too from this length.
_LEAST_LINE = 8


class Masker:
    """Replace secrets by ``***`` wherever they stand; the longest first.

    A filter of `logging` too: ``handler.addFilter(masker)``.

    :param values: the secrets; those of fewer than 4 characters are let through, since they
        stand in too many other words. As they are, and as JSON, ``repr`` and a URL write them.
    """

    __slots__ = ("_pattern",)

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form for value in values for form in _forms(value)}
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def __repr__(self) -> str:
        return f"<Masker {'of some secrets' if self else 'of nothing'}>"

    def text(self, text: str) -> str:
        """Return ``text`` with each secret replaced."""
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)

    def value(self, value: Any, depth: int = _DEPTH) -> Any:
        """Return a value with the texts in it masked: of a mapping, a list, a tuple or a set.

        :param depth: levels to look into; a list may contain itself.
        """
        if self._pattern is None or depth <= 0:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            shown = value.decode("utf-8", "surrogateescape")
            return self.text(shown).encode("utf-8", "surrogateescape")
        if isinstance(value, Mapping):
            inner = depth - 1
            return {self.value(key, inner): self.value(v, inner) for key, v in value.items()}
        if type(value) in (list, tuple, set, frozenset):
            return type(value)([self.value(item, depth - 1) for item in value])
        return value

    def error(self, error: BaseException) -> BaseException:
        """Return the error with no secret in what it says, nor in its causes and notes.

        It is changed in its place, so that whoever holds it shows no more; one that cannot be
        changed is replaced by a ``RuntimeError`` that names its class.
        """
        return error if self._pattern is None else self._error(error, {})

    def _error(self, error: BaseException, done: dict[int, BaseException]) -> BaseException:
        if id(error) in done:
            return done[id(error)]
        done[id(error)] = error
        if isinstance(error, BaseExceptionGroup):
            result: BaseException = self._group(error, done)
        else:
            result = self._masked(error)
        done[id(error)] = result
        if error.__cause__ is not None:
            result.__cause__ = self._error(error.__cause__, done)
        if error.__context__ is not None:
            result.__context__ = self._error(error.__context__, done)
        result.__suppress_context__ = error.__suppress_context__
        return result

    def _group(
        self, group: BaseExceptionGroup[BaseException], done: dict[int, BaseException]
    ) -> BaseException:
        """Return a group anew where what is in it was: its parts cannot be changed."""
        inner = [self._error(one, done) for one in group.exceptions]
        said = self.text(group.message)
        same = all(new is old for new, old in zip(inner, group.exceptions, strict=True))
        if same and said == group.message:
            return self._noted(group, group)
        made = BaseExceptionGroup(said, inner)  # an ExceptionGroup where it may be
        return self._noted(made.with_traceback(group.__traceback__), group)

    def _noted(self, result: BaseException, error: BaseException) -> BaseException:
        notes = getattr(error, "__notes__", ())
        if isinstance(notes, (list, tuple)) and notes:
            result.__notes__ = [self.text(str(note)) for note in notes]
        elif notes:  # the interpreter prints what they are, whatever that is
            result.__notes__ = []
        return result

    def _masked(self, error: BaseException) -> BaseException:
        try:
            error.args = tuple([self.value(item) for item in error.args])
            for name, value in list(vars(error).items()):
                if name != "__notes__":
                    error.__dict__[name] = self.value(value)
            for name in _SLOTS:
                if isinstance(getattr(error, name, None), (str, bytes)):
                    setattr(error, name, self.value(getattr(error, name)))
        except Exception:  # its author's own __setattr__, or a class made without one
            pass
        result = error
        if isinstance(error, Exception) and self._tells(error):
            said = self.text(_said(error))
            if isinstance(error, KurtError):
                result = type(error)(said)
            else:
                result = RuntimeError(f"{type(error).__qualname__}: {said}")
            result.__traceback__ = error.__traceback__
        return self._noted(result, error)

    def _tells(self, error: BaseException) -> bool:
        """Return whether an error still says a secret, by its text or by its ``repr``."""
        assert self._pattern is not None
        return any(self._pattern.search(said) for said in (_said(error), _said(error, repr)))

    def traceback(self, error: BaseException) -> str:
        """Return the error as the interpreter prints it, with its causes, masked."""
        return self.text("".join(traceback.format_exception(error)))

    def filter(self, record: Any) -> bool:
        """Mask a `logging.LogRecord` in its place; always true, so that it is logged."""
        if self._pattern is None:
            return True
        try:
            said = record.getMessage()
        except Exception:  # the arguments do not fit; the handler will say so
            record.msg, record.args = self.value(record.msg), self.value(record.args)
        else:
            masked = self.text(said)
            if masked != said:
                record.msg, record.args = masked, None
        if record.exc_info and record.exc_info[1] is not None:
            error = self.error(record.exc_info[1])
            record.exc_info = (type(error), error, error.__traceback__)
            record.exc_text = self.traceback(error).rstrip("\n")
        elif record.exc_text:
            record.exc_text = self.text(record.exc_text)
        for name, value in list(record.__dict__.items()):
            if name not in ("msg", "args", "exc_info", "exc_text"):
                record.__dict__[name] = self.value(value)
        return True


def texts(value: Any) -> Iterator[str]:
    """Yield the texts of a secret value: of a number its digits, of a list those of its items."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)


def _forms(value: str) -> Iterator[str]:
    """Yield how a secret may be spelled in a text."""
    for one in (value, value.strip(), *_of_url(value), *_lines(value)):
        if len(one) < _LEAST:
            continue
        yield from (one, dumps(one)[1:-1], dumps(one, ensure_ascii=False)[1:-1], repr(one)[1:-1])
        yield from (quote(one), quote(one, safe=""), quote_plus(one))


def _lines(value: str) -> list[str]:
    lines = [line.strip() for line in value.splitlines()]
    return [line for line in lines if len(line) >= _LEAST_LINE] if len(lines) > 1 else []


def _of_url(value: str) -> list[str]:
    """Return the password in a URL, which an error may quote without the rest."""
    if "://" not in value:
        return []
    try:
        password = urlsplit(value).password
    except ValueError:
        return []
    return [password, unquote(password)] if password else []


def _said(error: BaseException, say: Callable[[Any], str] = str) -> str:
    try:
        return say(error)
    except Exception:
        return ""


_shields: dict[object, Masker] = {}


def shield(masker: Masker) -> Callable[[], None]:
    """Mask every record that this process logs from now on; return what ends that.

    Filters of a logger do not see what other loggers hand on, and a plugin logs by the
    loggers of the libraries it uses: so the record itself is masked as it is made. What
    ``extra=`` adds comes later; a handler's filter masks it.
    """
    token = object()
    if masker:
        if not _shields:
            _install()
        _shields[token] = masker

    def end() -> None:
        _shields.pop(token, None)

    return end


def shielded(text: str) -> str:
    """Return a text without any secret that records are masked for at this moment."""
    for masker in list(_shields.values()):
        text = masker.text(text)
    return text


def _install() -> None:
    """Wrap the factory of records, once for as long as nobody else replaces it."""
    import logging

    before = logging.getLogRecordFactory()
    if getattr(before, "kurt_shield", False):
        return

    def factory(*args: Any, **more: Any) -> logging.LogRecord:
        record = before(*args, **more)
        for masker in list(_shields.values()):
            masker.filter(record)
        return record

    factory.kurt_shield = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(factory)
