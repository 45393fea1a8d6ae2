"""No secret is shown by a message, a traceback or a log record."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from json import dumps
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from kurt_ext import errors
from kurt_ext.masking import Masker, shield, texts

SECRET = 's3cr3t/+ \n"quoted"'
SECRETS = st.text(min_size=4, max_size=20).filter(lambda text: len(text.strip()) >= 4)


@given(SECRETS, st.text(max_size=20), st.text(max_size=20))
def test_a_secret_is_masked_wherever_it_stands(secret: str, before: str, after: str) -> None:
    masked = Masker([secret]).text(before + secret + after)
    assert secret not in masked.replace("***", "")


@pytest.mark.parametrize(
    "spell",
    [str, repr, dumps, lambda s: dumps(s, ensure_ascii=False), quote, lambda s: quote(s, safe="")],
)
@given(secret=SECRETS)
def test_as_other_formats_spell_it_too(spell: Any, secret: str) -> None:
    spelled = spell(secret)
    assert Masker([secret]).text(f"<{spelled}>") != f"<{spelled}>"


@pytest.mark.parametrize(
    ("values", "text", "masked"),
    [
        ([], "all", "all"),
        (["abc"], "abc abcd", "abc abcd"),
        (["abcd"], "abcd abcde", "*** ***e"),
        (["abcd", "abcdef"], "abcdef abcd", "*** ***"),
        (["https://me:pass%20word@host/x"], "word: pass word", "word: ***"),
        (["https://me:passw@host/x"], "at passw", "at ***"),
        (["https://me:pw@host/x"], "pw https://me:pw@host/x", "pw ***"),
        (["https://[broken:x@y"], "https://[broken:x@y", "***"),
        (["-----BEGIN-----\nMIIEabcdefgh\nxyz"], "line MIIEabcdefgh xyz", "line *** xyz"),
        ([" padded "], "padded", "***"),
        (["a.c+"], "abcd a.c+", "abcd ***"),
    ],
)
def test_the_longest_first_and_the_short_ones_not(
    values: list[str], text: str, masked: str
) -> None:
    assert Masker(values).text(text) == masked


def test_a_secret_has_the_texts_of_what_it_holds() -> None:
    assert list(texts({"a": ["x", 12, True, None], "b": (1.5,)})) == ["x", "12", "1.5"]


def test_a_masker_shows_nothing_itself() -> None:
    assert "hunter22" not in repr(Masker(["hunter22"])) and bool(Masker(["hunter22"]))
    assert not Masker(["x"]) and not Masker()


class Model(BaseModel):
    number: int


def invalid() -> Exception:
    try:
        Model.model_validate({"number": SECRET})
    except ValidationError as error:
        return error
    raise AssertionError


class StubbornError(Exception):
    """An error that will not be changed."""

    def __init__(self) -> None:
        super().__init__()

    def __str__(self) -> str:
        return "it was hunter22"


class TalkativeError(Exception):
    """An error that says an attribute."""

    def __init__(self, token: str) -> None:
        super().__init__("no")
        self.token = token

    def __str__(self) -> str:
        return f"no {self.token}"


class BrokenError(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("hunter22")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("hunter22"),
        ValueError(["a", {"hunter22": ("x", b"hunter22")}]),
        KeyError("hunter22"),
        OSError(2, "no hunter22", "/tmp/hunter22"),
        ImportError("no hunter22", name="x", path="y"),
        UnicodeDecodeError("utf-8", b"hunter22\xff", 8, 9, "hunter22"),
        SyntaxError("hunter22", ("f", 1, 1, "x = hunter22")),
        SystemExit("hunter22"),
        invalid(),
        StubbornError(),
        TalkativeError("hunter22"),
        BrokenError("hunter22"),
        errors.HookError("m hunter22", hook="x", cause="hunter22\nx", hint="hunter22"),
        errors.ConfigError("m", problems=[("/a", "hunter22 is wrong")], at="hunter22"),
        ExceptionGroup("hunter22", [ValueError("hunter22"), invalid()]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_shows_none(error: BaseException) -> None:
    error.add_note("tried hunter22")
    outer = RuntimeError("outside")
    outer.__cause__ = error
    masker = Masker(["hunter22"])
    masked = masker.error(outer)
    assert masked is outer
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.emit(logging.LogRecord("n", 40, "p", 1, "m", None, (type(outer), outer, None)))
    shown = stream.getvalue()
    inner = masked.__cause__
    assert inner is not None
    assert "hunter22" not in shown
    assert "hunter22" not in masker.traceback(outer)
    if not isinstance(error, BrokenError):
        assert "hunter22" not in str(inner) + repr(inner.args)
    assert isinstance(inner, type(error)) or type(error).__qualname__ in str(inner)
    assert getattr(inner, "__notes__", []) == ["tried ***"]
    if isinstance(error, errors.KurtError):
        assert "hunter22" not in str(error.as_dict()) + error.render()


def test_an_error_that_causes_itself_ends() -> None:
    one, two = ValueError("hunter22"), ValueError("x")
    one.__context__, two.__context__ = two, one
    assert str(Masker(["hunter22"]).error(two)) == "x" and str(one) == "***"


def test_a_kurt_error_keeps_its_class_and_fields() -> None:
    error = errors.HookTimeoutError("hunter22 is late", hook="activate", skill="a")
    assert Masker(["hunter22"]).error(error) is error
    assert (error.message, error.hook, error.skill) == ("*** is late", "activate", "a")


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO, logging.Handler]]:
    logger = logging.getLogger("tests.masking")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s %(extra)s", defaults={"extra": ""}))
    logger.addHandler(handler)
    logger.propagate = False
    yield logger, stream, handler
    logger.removeHandler(handler)


def write(logger: logging.Logger) -> None:
    logger.error("plain hunter22")
    logger.error("with %s and %d", "hunter22", 3)
    logger.error("with %(a)s", {"a": "hunter22"})
    logger.error("extra", extra={"extra": {"token": ["hunter22"]}})
    try:
        raise ValueError("hunter22")
    except ValueError:
        logger.exception("failed", stack_info=True)


def test_a_handler_with_the_masker_as_filter_writes_none(
    log: tuple[logging.Logger, io.StringIO, logging.Handler],
) -> None:
    logger, stream, handler = log
    handler.addFilter(Masker(["hunter22"]))
    write(logger)
    text = stream.getvalue()
    assert "hunter22" not in text and "with *** and 3" in text and "ValueError: ***" in text


def test_arguments_that_do_not_fit_are_masked_all_the_same() -> None:
    record = logging.LogRecord("n", 40, "p", 1, "hunter22 %d", ("hunter22",), None)
    assert Masker(["hunter22"]).filter(record) is True
    assert (record.msg, record.args) == ("*** %d", ("***",))


def test_a_value_that_contains_itself_ends() -> None:
    loop: list[Any] = ["hunter22"]
    loop.append(loop)
    error = ValueError(loop)
    masker = Masker(["hunter22"])
    assert "hunter22" not in masker.traceback(masker.error(error))
    record = logging.LogRecord("n", 40, "p", 1, "m", None, None)
    record.extra = loop
    assert masker.filter(record)


def test_a_shield_masks_the_records_of_every_logger_until_it_ends(
    log: tuple[logging.Logger, io.StringIO, logging.Handler],
) -> None:
    logger, stream, _ = log
    factory = logging.getLogRecordFactory()
    try:
        end, other = shield(Masker(["hunter22"])), shield(Masker(["another1"]))
        logger.error("hunter22 another1 %s", "hunter22")
        end()
        end()
        logger.error("hunter22 another1")
        other()
        logger.error("another1")
        shield(Masker())()
    finally:
        logging.setLogRecordFactory(factory)
    assert stream.getvalue().splitlines() == ["*** *** *** ", "hunter22 *** ", "another1 "]
