"""Frames that the code which owns the channel would never send."""

# ruff: noqa: F403, F405
from __future__ import annotations

from .attempt import attempt
from .deeds import *
from .deeds import os, struct, time
from .evidence import host_deceived, host_harmed, log_filled, log_forged

BRIEF = {"seconds": 0.5}


@attempt("sending a frame without an end", host_harmed)
def endless_frame(arg):
    send_raw(struct.pack(">BIII", 18, 1, 0xFFFFFFF0, 0))
    block = b'"' + b"x" * (1 << 20)
    for _ in range(120):
        send_raw(block)
    return "sent"


@attempt("sending bytes without an end behind a frame", host_harmed)
def endless_bytes(arg):
    send_raw(struct.pack(">BIII", 20, 1, 2, 0xFFFFFFF0) + b"{}")
    for _ in range(120):
        send_raw(b"x" * (1 << 20))
    return "sent"


@attempt(
    "sending half a frame, and the answer as its rest", host_harmed, limits=BRIEF, patient=True
)
def half_frame(arg):
    send_raw(frame(20, 1, b'"x"', says_text=1 << 20))
    return "sent"


@attempt("sending half a header, and then nothing", host_harmed, limits=BRIEF, patient=True)
def half_header(arg):
    send_raw(b"\x12\x00\x00")
    return "sent"


@attempt("sending noise", host_harmed, limits=BRIEF, patient=True)
def noise(arg):
    send_raw(b"\x07" * (1 << 16) + os.urandom(1 << 12))
    return "sent"


@attempt("sending a frame of every kind without a text", host_harmed)
def every_kind_empty(arg):
    for kind in every_kind():
        for number in (0, 1, 2, 0xFFFFFFFF):
            send_raw(frame(kind, number))
    return "sent"


@attempt("sending a frame of every kind with a text of the wrong shape", host_harmed)
def every_kind_odd(arg):
    for kind in every_kind():
        for text in (b"null", b"[]", b'{"value": 1}', b'"x"', b"{", b"\xff\xfe", b"1e999"):
            send_raw(frame(kind, 1, text, b"bytes"))
    return "sent"


@attempt("answering with a text of brackets", host_harmed)
def deep(arg):
    for number in range(8):
        send_raw(frame(18, number, b"[" * 300_000 + b"]" * 300_000))
    return "sent"


@attempt("telling of progress with a text of brackets", host_harmed)
def deep_progress(arg):
    for number in range(8):
        send_raw(frame(20, number, b'{"x":' * 200_000 + b"1" + b"}" * 200_000))
    return "sent"


@attempt("answering with a text that grows when it is read", host_harmed)
def growing(arg):
    for number in range(8):
        send_raw(frame(18, number, b"[" + b"[]," * 3_000_000 + b"[]]"))
    return "sent"


@attempt("answering with mappings that grow when they are read", host_harmed)
def growing_mappings(arg):
    for number in range(8):
        send_raw(frame(18, number, b"[" + b'{"":{}},' * 900_000 + b"1]"))
    return "sent"


@attempt("answering with a number of too many digits", host_harmed)
def digits(arg):
    for number in range(8):
        send_raw(frame(18, number, b"1" * 500_000))
    return "sent"


@attempt("answering with references to the same bytes again and again", host_harmed)
def amplified(arg):
    text = b"[" + b",".join([b'{"$b":[0,1000000]}'] * 2000) + b"]"
    for number in range(8):
        send_raw(frame(18, number, text, b"x" * 1_000_000))
    return "sent"


@attempt("answering with references to bytes that are not there", host_harmed)
def outside_of_bytes(arg):
    for place in (b"[0,9999999999]", b"[-5,3]", b"[1e9,1]", b'["0",1]', b"[0,-1]", b"null", b"[]"):
        for number in range(8):
            send_raw(frame(18, number, b'[{"$b":' + place + b"}]", b"xyz"))
    return "sent"


@attempt("answering with names of classes to build", host_harmed)
def classes(arg):
    marker = (arg["outside"] + "/done-by-the-host").encode()
    import pickle

    class Bomb:
        def __reduce__(self):
            return (open, (marker.decode(), "w"))

    blob = pickle.dumps(Bomb())
    for text in (
        b'{"$pickle":true}',
        b'{"$class":"os:system","args":["touch %s"]}' % marker,
        b'{"$r":"builtins:open","args":["%s","w"]}' % marker,
        b'{"py/object":"subprocess.Popen"}',
        b'{"__type__":"os.system"}',
    ):
        for number in range(4):
            for kind in (18, 19, 20, 22):
                send_raw(frame(kind, number, text, blob))
    return "sent"


@attempt("answering with names of errors to raise", host_harmed)
def errors(arg):
    for name in ("KeyboardInterrupt", "SystemExit", "builtins:SystemExit", "GeneratorExit"):
        for key in ("type", "class", "name", "code", "kind", "reference"):
            text = f'{{"{key}":"{name}","message":"x","module":"builtins","args":[0]}}'.encode()
            for number in range(4):
                send_raw(frame(19, number, text))
    raise SystemExit(0)


@attempt("answering the next call before it is made", host_deceived)
def beforehand(arg):
    for number in range(2, 40):
        send_raw(frame(18, number, b'"' + arg["mark"].encode() + b'"'))
    return "sent"


@attempt("answering its own call with what is no text", host_harmed, limits=BRIEF, patient=True)
def broken_answer(arg):
    send_raw(frame(18, own_number(), b'{"value": '))
    time.sleep(60)


@attempt("failing its own call with what is no text", host_harmed, limits=BRIEF, patient=True)
def broken_failure(arg):
    send_raw(frame(19, own_number(), b"\xff\xfe["))
    time.sleep(60)


@attempt(
    "answering its own call, and one that nobody made", host_harmed, limits=BRIEF, patient=True
)
def answer_and_more(arg):
    send_raw(frame(18, own_number(), b'"x"') + frame(18, 77777, b'"x' * 3))
    time.sleep(60)


@attempt(
    "answering its own call with what cannot be put together",
    host_harmed,
    limits=BRIEF,
    patient=True,
)
def unfitting_answer(arg):
    send_raw(frame(18, own_number(), b'[{"$b":[0,99]},' + b"[" * 500 + b"]" * 500 + b"]", b"x"))
    time.sleep(60)


@attempt("answering another call that is under way", host_deceived)
def another(arg):
    for number in range(40):
        for text in (b'"%s"', b'{"value":"%s"}', b'{"result":"%s","data":"%s"}'):
            send_raw(frame(18, number, text.replace(b"%s", arg["mark"].encode())))
    return "sent"


@attempt("reporting once more how well it is confined", host_deceived)
def ready_again(arg):
    text = b'{"tier":"strong","landlock":99,"seccomp":true,"enforced":["everything"]}'
    send_raw(frame(16, 0, text))
    send_raw(frame(16, 1, b'{"report":' + text + b"}"))
    return "sent"


@attempt("flooding the host with progress by hand", host_harmed, limits={"seconds": 3})
def flood(arg):
    text = b'{"text":"' + b"x" * 180 + b'","a":[1,2,3]}'
    block = frame(20, 1, text) * 1000
    for _ in range(300):
        send_raw(block)
    return "sent"


@attempt("flooding the host with frames for nobody", host_harmed, limits={"seconds": 3})
def flood_for_nobody(arg):
    block = b"".join(
        frame(22, number, b'"%d"' % number + b" " * 90) for number in range(1000, 2000)
    )
    for _ in range(700):
        send_raw(block)
    return "sent"


@attempt("asking the host without reading what it says", host_harmed, limits=BRIEF, patient=True)
def asking(arg):
    text = b'{"name":"vault","operation":"greet","args":["%s"],"kwargs":{}}' % (b"x" * 5000)
    for number in range(1, 4000):
        send_raw(frame(24, number, text))
    return "sent"


@attempt("filling the host's log with events", log_filled, limits={"seconds": 4}, patient=True)
def events(arg):
    for first in range(0, 200_000, 500):
        block = b""
        for number in range(first, first + 500):
            target = b"/%d/" % number + b"x" * 500
            text = b'["use",{"permission":"filesystem_read","target":"%s","allowed":false}]'
            block += frame(25, 0, text.replace(b"%s", target))
        send_raw(block)
    return "sent"


@attempt("writing lines of its own into the host's log", log_forged)
def log_lines(arg):
    import json

    for end in ("\n", "\u2028", "\r", "\x85", "\x0b"):
        for allowed in (True, False):
            target = end + '{"skill": "' + arg["mark"] + "\x1b[2J"
            use = ["use", {"permission": "x", "target": target, "allowed": allowed}]
            send_raw(frame(25, 0, json.dumps(use).encode()))
    return "sent"


@attempt("sending requests to the host", host_harmed)
def requests(arg):
    marker = arg["outside"] + "/done-by-the-host"
    for kind in (1, 2, 3, 4, 5, 6):
        send_raw(frame(kind, 5, b'{"verb":"write","body":"%s"}' % marker.encode()))
    return "sent"


@attempt("closing its half of the channel", host_harmed, limits=BRIEF, patient=True)
def half_closed(arg):
    import socket

    peer = socket.socket(fileno=os.dup(3))
    peer.shutdown(socket.SHUT_WR)
    time.sleep(60)


@attempt(
    "reading the host's frames away from the code that waits for them",
    host_harmed,
    limits=BRIEF,
    patient=True,
)
def reading_away(arg):
    import threading

    def read():
        while True:
            try:
                os.read(3, 1 << 16)
            except OSError:
                time.sleep(0.01)

    threading.Thread(target=read, daemon=True).start()
    time.sleep(60)


@attempt("keeping the host from writing by never reading", host_harmed, limits=BRIEF, patient=True)
def never_reading(arg):
    import socket

    peer = socket.socket(fileno=os.dup(3))
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    time.sleep(60)
