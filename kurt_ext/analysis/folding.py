"""Fold texts, bytes and numbers that are known: joining, formatting, slicing, decoding.

What is not wholly known stays a :class:`~.values.Text`, with the beginning and the end that are.
Results are bounded: 64 KiB for what is repeated, 1 MiB for what is unpacked, and no power or
shift at all, so that nothing that is judged can make this slow or large.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from .values import UNKNOWN, Const, Ref, Seq, Text, Unknown, Value, Values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "FUNCTIONS",
    "function",
    "joined",
    "method",
    "operated",
    "parent",
    "path_join",
    "path_parent",
]

_LONGEST = 1 << 16
_UNPACKED = 1 << 20
_LARGEST = 1 << 64
_LONGEST_PATH = 4096
_NUMBERS = (int, float)


def _origins(value: Value) -> frozenset[str]:
    if isinstance(value, (Unknown, Text)):
        return value.origins
    if isinstance(value, Ref):
        return frozenset((value.name,))
    if isinstance(value, Const) and value.decoded:
        return frozenset(("decoded",))
    return frozenset()


def joined(glue: Any, parts: Sequence[Value]) -> Values:
    """Return what joining the parts gives, as far as they are known."""
    if not isinstance(glue, (str, bytes)):
        return UNKNOWN
    known: list[Any] = []
    decoded = False
    for part in parts:
        value = part.value if isinstance(part, Const) else None
        if isinstance(glue, str) and isinstance(value, (int, float)) and glue == "":
            value = _written(value)
        if not isinstance(value, type(glue)):
            break
        decoded = decoded or (isinstance(part, Const) and part.decoded)
        known.append(value)
    else:
        if sum(map(len, known)) + len(glue) * len(known) > _UNPACKED:
            return UNKNOWN
        whole = glue.join(known)
        return (Const(whole, decoded),) if len(whole) <= _UNPACKED else UNKNOWN
    if not isinstance(glue, str):
        return UNKNOWN
    prefix = glue.join([str(one) for one in known]) + (glue if known else "")
    broken = parts[len(known)]
    if isinstance(broken, Text):
        prefix += broken.prefix
    tail: list[str] = []
    for part in reversed(parts[len(known) + 1 :]):
        if isinstance(part, Const) and isinstance(part.value, (str, int)):
            tail.append(_written(part.value) or "")
            continue
        if isinstance(part, Text):
            tail.append(part.suffix)
        break
    else:
        if isinstance(broken, Text):
            tail.append(broken.suffix)
    suffix = glue.join(reversed(tail))
    origins = frozenset().union(*[_origins(part) for part in parts])
    return (Text(prefix[:4096], suffix[-4096:], origins),)


def _written(value: Any) -> str | None:
    """Return a text or number as text; None for one of too many digits to be written."""
    try:
        return str(value)
    except ValueError:
        return None


def operated(left: Value, operator: ast.operator, right: Value) -> Value:
    """Return what an operator gives for two values."""
    if isinstance(left, Const) and isinstance(right, Const):
        found = _exact(left.value, operator, right.value)
        if found is not None:
            return Const(found, left.decoded or right.decoded)
    if isinstance(operator, ast.Add):
        if isinstance(left, Seq) and isinstance(right, Seq):
            return Seq((left.items + right.items)[:4096])
        texts = [one for one in (left, right) if _is_text(one)]
        if texts:
            return joined("", [left, right])[0]
    if isinstance(operator, ast.Mod) and isinstance(left, Const) and isinstance(left.value, str):
        return _percent(left.value, right)
    if isinstance(operator, ast.Mult) and isinstance(left, Seq):
        return left
    return Unknown(_origins(left) | _origins(right))


def _is_text(value: Value) -> bool:
    return isinstance(value, Text) or (isinstance(value, Const) and isinstance(value.value, str))


def _exact(left: Any, operator: ast.operator, right: Any) -> Any:
    """Return the result for two constants; None where it is not worked out."""
    if isinstance(operator, ast.Add):
        if type(left) is type(right) and isinstance(left, (str, bytes)):
            return left + right if len(left) + len(right) <= _UNPACKED else None
    elif isinstance(operator, ast.Mult):
        for text, times in ((left, right), (right, left)):
            if isinstance(text, (str, bytes)) and type(times) is int:
                return text * times if len(text) * times <= _LONGEST else None
    elif isinstance(operator, ast.Mod) and isinstance(left, (str, bytes)):
        return None
    if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
        return None
    if abs(left) > _LARGEST or abs(right) > _LARGEST:
        return None
    try:
        return _number(left, operator, right)
    except (ArithmeticError, ValueError, TypeError):
        return None


def _number(left: Any, operator: ast.operator, right: Any) -> Any:
    if isinstance(operator, ast.Add):
        return left + right
    if isinstance(operator, ast.Sub):
        return left - right
    if isinstance(operator, ast.Mult):
        return left * right
    if isinstance(operator, ast.FloorDiv):
        return left // right
    if isinstance(operator, ast.Mod):
        return left % right
    if isinstance(operator, ast.BitXor):
        return left ^ right
    if isinstance(operator, ast.BitAnd):
        return left & right
    if isinstance(operator, ast.BitOr):
        return left | right
    return None


def _percent(form: str, right: Value) -> Value:
    """Return what ``form % right`` gives."""
    parts = right.items if isinstance(right, Seq) else ((right,),)
    given = [one[0] if len(one) == 1 else Unknown() for one in parts]
    plain = [one.value for one in given if isinstance(one, Const)]
    small = form.count("%") * _longest(plain) <= _UNPACKED
    if (
        len(plain) == len(given)
        and len(form) < 4096
        and "*" not in form
        and _narrow(form)
        and small
    ):
        try:
            return Const(form % tuple(plain))
        except (TypeError, ValueError, KeyError, OverflowError):
            return Unknown()
    prefix, mark, rest = form.partition("%")
    return Text(prefix, rest.rpartition("%")[2][1:] if mark and "%" in rest else rest[1:])


def _longest(plain: Sequence[Any]) -> int:
    return max([len(one) for one in plain if isinstance(one, (str, bytes))], default=0)


def _narrow(form: str) -> bool:
    """Return whether a format asks for no width that would make much of little."""
    return not any(form[i : i + 4].isdigit() for i in range(len(form)))


def method(value: Value, name: str, arguments: Sequence[Values]) -> Values:
    """Return what a method of a text or of bytes gives."""
    given = [one[0] if len(one) == 1 else Unknown() for one in arguments]
    if isinstance(value, Text):
        return _method_of_text(value, name, given)
    if not isinstance(value, Const):
        return UNKNOWN
    text = value.value
    plain = [one.value for one in given if isinstance(one, Const)]
    if name == "format" and isinstance(text, str):
        return _format(text, given)
    if len(plain) != len(given):
        return (Text("", "", frozenset().union(*[_origins(one) for one in given])),)
    if name not in _METHODS or not isinstance(text, (str, bytes)):
        size = plain[0] if plain else None
        if name == "to_bytes" and isinstance(text, int) and isinstance(size, int) and size <= 4096:
            return _attempt(text.to_bytes, plain, True)
        return UNKNOWN
    if name in ("ljust", "rjust", "center", "zfill", "expandtabs") and (
        not plain
        or not isinstance(plain[0], int)
        or plain[0] > 4096
        or (name == "expandtabs" and len(text) * plain[0] > _UNPACKED)
    ):
        return UNKNOWN
    grown = plain[1] if name == "replace" and len(plain) >= 2 else ""
    if isinstance(grown, (str, bytes)) and len(text) * max(1, len(grown)) > _UNPACKED:
        return UNKNOWN
    decoded = value.decoded or name in ("decode", "fromhex")
    if name in ("encode", "decode") and plain and str(plain[0]).lower() in _CODECS:
        found = function("codecs." + name, [(value,), (Const(plain[0]),)], {})
        return found or UNKNOWN
    if name == "decode" and isinstance(text, bytes):
        decoded = value.decoded
    # Bytes have no encode, and text no decode: such code fails when it runs.
    return _attempt(getattr(text, name, None), plain, decoded)


def _attempt(do: Any, plain: Sequence[Any], decoded: bool) -> Values:
    try:
        found = do(*plain)
    except Exception:  # whatever an odd argument makes of it, it is not known
        return UNKNOWN
    if isinstance(found, (list, tuple)):
        return (Seq(tuple([(Const(one, decoded),) for one in found[:4096]])),)
    return (Const(found, decoded),)


def _method_of_text(value: Text, name: str, given: Sequence[Value]) -> Values:
    if name in ("strip", "encode", "decode", "lower", "upper", "rstrip", "lstrip", "replace"):
        return (value,)
    return (Text("", "", value.origins),)


def _format(form: str, given: Sequence[Value]) -> Values:
    plain = [one.value for one in given if isinstance(one, Const)]
    small = form.count("{") * _longest(plain) <= _UNPACKED
    if len(plain) == len(given) and len(form) < 4096 and _narrow(form) and "{" in form and small:
        # A field that reaches into what it is given is looked at elsewhere.
        fields = form.replace("{{", "").replace("}}", "")
        if not any(
            sign in part.partition("}")[0] for part in fields.split("{")[1:] for sign in ".["
        ) and not _nested(fields):
            return _attempt(form.format, plain, False)
    prefix = form.partition("{")[0]
    suffix = form.rpartition("}")[2]
    return (Text(prefix, suffix, frozenset().union(*[_origins(one) for one in given])),)


def _nested(form: str) -> bool:
    """Return whether a field's width is itself a field: what it makes may be of any size."""
    return any("{" in part.rpartition("{")[0] for part in form.split("}"))


def path_join(left: Values, right: Values) -> Values:
    """Return the path that one leads to below another, by what is known of both."""
    found: list[Value] = []
    for one in left[:4]:
        for two in right[:4]:
            found.append(_shortened(_path_joined(one, two)))
    return tuple(dict.fromkeys(found)) or UNKNOWN


def _shortened(path: Value) -> Value:
    """Return a path, of one that no system takes only how it begins and ends."""
    if isinstance(path, Const) and len(path.value) > _LONGEST_PATH:
        return Text(path.value[:_LONGEST_PATH], path.value[-_LONGEST_PATH:])
    if isinstance(path, Text):
        return Text(path.prefix[:_LONGEST_PATH], path.suffix[-_LONGEST_PATH:], path.origins)
    return path


def _path_joined(one: Value, two: Value) -> Value:
    if isinstance(two, Const) and isinstance(two.value, bytes):
        two = Const(two.value.decode("latin-1"))
    if isinstance(two, Const) and isinstance(two.value, str):
        if two.value.startswith(("/", "~", "<", "\\")) or two.value[1:2] == ":":
            return two
        if isinstance(one, Const) and isinstance(one.value, str):
            base = "" if one.value in (".", "") else one.value.rstrip("/") + "/"
            return Const(base + two.value.removeprefix("./"))
        if isinstance(one, Text):
            return Text(one.prefix, (one.suffix + "/" if one.suffix else "/") + two.value)
        return Text("", "/" + two.value, _origins(one))
    prefix, suffix = (two.prefix, two.suffix) if isinstance(two, Text) else ("", "")
    if prefix.startswith(("/", "~", "<")):
        return two
    if isinstance(one, Const) and isinstance(one.value, str):
        base = one.value.rstrip("/") + "/" if one.value else ""
        return Text(base + prefix, suffix, _origins(two))
    if isinstance(one, Text):
        return Text(one.prefix, suffix, one.origins | _origins(two))
    return Text("", suffix, _origins(one) | _origins(two))


def path_parent(path: Values) -> Values:
    """Return the folder that a path lies in."""
    found: list[Value] = []
    for one in path:
        if isinstance(one, Const) and isinstance(one.value, str):
            found.append(Const(parent(one.value)))
        elif isinstance(one, Text) and "/" in one.prefix:
            found.append(Text(one.prefix, "", one.origins))
        else:
            found.append(Unknown(_origins(one)))
    return tuple(found) or UNKNOWN


def parent(path: str) -> str:
    """Return the folder of a path; above what stands for a folder, a ``..``.

    A bare name lies in the working folder; of an empty text there is no more to say.
    """
    whole = path.rstrip("/")
    if whole.endswith((">", "/..")) or whole in ("..", "~"):
        return whole + "/.."
    head, slash, last = whole.rpartition("/")
    if head or slash:
        return head or "/"
    return {"": "", ".": ".."}.get(last, ".") if path else ""


def function(name: str, arguments: Sequence[Values], words: Mapping[str, Values]) -> Values | None:
    """Return what one of :data:`FUNCTIONS` gives; None where it is not worked out."""
    if not arguments:
        return None
    given = [one[0] if len(one) == 1 else Unknown() for one in arguments]
    first = given[0]
    if name in _DECODERS:
        data = first.value if isinstance(first, Const) else None
        if isinstance(data, str) and name not in ("codecs.decode", "codecs.encode"):
            data = data.encode("utf-8", "surrogatepass")
        if isinstance(data, (bytes, bytearray, str)):
            rest = [one.value for one in given[1:] if isinstance(one, Const)]
            rest += [
                one[0].value
                for one in words.values()
                if len(one) == 1 and isinstance(one[0], Const)
            ]
            return _decoded(name, data, rest)
        return (Unknown(_origins(first) | {"decoded"}),)
    if name == "builtins.str" and isinstance(first, Ref) and first.text:
        return first.text
    if name == "builtins.str" and isinstance(first, Text):
        return (first,)
    if name in ("urllib.parse.urljoin", "yarl.URL", "httpx.URL"):
        return _url(given)
    if name in ("builtins.bytes", "builtins.bytearray") and isinstance(first, Seq):
        codes = [one[0].value for one in first.items if len(one) == 1 and isinstance(one[0], Const)]
        if len(codes) == len(first.items):
            return _attempt(bytes, [codes], True) if _small(codes) else UNKNOWN
        return None
    plain = [one.value for one in given if isinstance(one, Const)]
    if len(plain) != len(given):
        return None
    do = FUNCTIONS[name]
    if name in ("builtins.bytes", "builtins.bytearray") and isinstance(plain[0], int):
        return None
    if name == "builtins.ord" and not (isinstance(plain[0], (str, bytes)) and len(plain[0]) == 1):
        return None
    return _attempt(do, plain, name == "builtins.chr")


def _small(codes: Sequence[Any]) -> bool:
    return all(type(code) is int and 0 <= code < 256 for code in codes)


def _url(given: Sequence[Value]) -> Values:
    base = given[0]
    added = given[1] if len(given) > 1 else None
    text = added.value if isinstance(added, Const) else None
    if added is not None and isinstance(text, str) and ("://" in text or text[:2] == "//"):
        return (added,)
    if isinstance(base, Const) and isinstance(base.value, str):
        return (Text(base.value, "") if len(given) > 1 else base,)
    return (base,)


_CODECS = frozenset(
    "rot13 rot_13 base64 base_64 base64_codec hex hex_codec zlib zip bz2 unicode_escape "
    "unicode-escape raw_unicode_escape idna punycode utf-7 utf_7 uu".split()
)


def _decoded(name: str, data: Any, rest: Sequence[Any]) -> Values | None:
    """Return what a decoder makes of known data, with a limit to what it unpacks."""
    try:
        found = _DECODERS[name](data, *rest[:1]) if name in _WITH_CODEC else _DECODERS[name](data)
    except Exception:  # data that is not in that form is not decoded
        return UNKNOWN
    if len(found) > _UNPACKED:
        return UNKNOWN
    return (Const(found, True),)


def _inflate(data: bytes) -> bytes:
    import zlib

    for bits in (15, 31, -15):
        try:
            return zlib.decompressobj(bits).decompress(data, _UNPACKED)
        except zlib.error:
            continue
    raise ValueError("no such data")


def _bunzip(data: bytes) -> bytes:
    import bz2

    return bz2.BZ2Decompressor().decompress(data, _UNPACKED)


def _unxz(data: bytes) -> bytes:
    import lzma

    return lzma.LZMADecompressor(memlimit=64 << 20).decompress(data, _UNPACKED)


def _codec(text: Any, codec: str = "utf-8", *_: Any) -> Any:
    import codecs

    data: Any = text
    if isinstance(text, str) and codec.lower() not in ("rot13", "rot_13"):
        data = text.encode()
    if codec.lower() in ("zlib", "zip", "zlib_codec"):
        return _inflate(data)
    if codec.lower() in ("bz2", "bz2_codec"):
        return _bunzip(data)
    decode: Any = codecs.decode
    return decode(data, codec)


def _encode(data: Any, codec: str = "utf-8", *_: Any) -> Any:
    import codecs

    return codecs.encode(data, codec)


def _of(module: str, name: str) -> Any:
    def decode(data: bytes) -> bytes:
        import importlib

        found: bytes = getattr(importlib.import_module(module), name)(data)
        return found

    return decode


def _unquoted(text: str) -> str:
    from urllib.parse import unquote

    return unquote(text)


def _unescaped(text: str) -> str:
    from html import unescape

    return unescape(text)


_WITH_CODEC = frozenset(("codecs.decode", "codecs.encode"))
_DECODERS: dict[str, Any] = {
    "codecs.decode": _codec,
    "codecs.encode": _encode,
    "zlib.decompress": _inflate,
    "gzip.decompress": _inflate,
    "bz2.decompress": _bunzip,
    "lzma.decompress": _unxz,
    **{
        f"base64.{name}": _of("base64", name)
        for name in (
            *("b64decode", "standard_b64decode", "urlsafe_b64decode", "b32decode", "b16decode"),
            *("b85decode", "a85decode", "decodebytes", "b32hexdecode"),
        )
    },
    **{
        f"binascii.{name}": _of("binascii", name)
        for name in ("a2b_base64", "a2b_hex", "unhexlify", "a2b_uu", "a2b_qp")
    },
    "builtins.bytes.fromhex": lambda data: bytes.fromhex(data.decode()),
    "builtins.bytearray.fromhex": lambda data: bytes.fromhex(data.decode()),
    "quopri.decodestring": _of("quopri", "decodestring"),
}
_METHODS = frozenset(
    "capitalize casefold center decode encode expandtabs hex ljust lower lstrip partition "
    "removeprefix removesuffix replace rjust rpartition rsplit rstrip split splitlines strip "
    "swapcase title upper zfill".split()
)
#: Functions whose result is worked out, by name; those that decode stand in a table of their own.
FUNCTIONS: dict[str, Any] = {
    **_DECODERS,
    "builtins.chr": chr,
    "builtins.ord": ord,
    "builtins.str": str,
    "builtins.repr": repr,
    "builtins.int": int,
    "builtins.bytes": bytes,
    "builtins.bytearray": bytearray,
    "builtins.hex": hex,
    "builtins.str.lower": str.lower,
    "builtins.str.upper": str.upper,
    "operator.add": lambda a, b: a + b if type(a) is type(b) and isinstance(a, str) else None,
    "operator.concat": lambda a, b: a + b if type(a) is type(b) and isinstance(a, str) else None,
    "sys.intern": str,
    "urllib.parse.unquote": _unquoted,
    "html.unescape": _unescaped,
    "urllib.parse.urljoin": None,
    "yarl.URL": None,
    "httpx.URL": None,
}
