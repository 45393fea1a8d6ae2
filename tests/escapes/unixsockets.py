"""Sockets of this machine alone: docker, the desktop and the service manager listen at such."""

# ruff: noqa: F403, F405
from __future__ import annotations

from .attempt import attempt
from .deeds import *
from .deeds import ctypes, os, struct
from .evidence import heard, reachable


@attempt("connecting to a socket outside", heard)
def stream(arg):
    import socket

    peer = hold(socket.socket(socket.AF_UNIX))
    peer.connect(arg["unix"])
    peer.send(arg["mark"].encode())


@attempt("connecting to a socket outside through a link", heard)
def stream_by_link(arg):
    import socket

    os.symlink(arg["unix"], arg["granted"] + "/socket")
    peer = hold(socket.socket(socket.AF_UNIX))
    peer.connect(arg["granted"] + "/socket")
    peer.send(arg["mark"].encode())


@attempt("connecting to a socket outside with system calls", heard)
def stream_by_calls(arg):
    peer = syscall(41, 1, 1, 0)
    place = struct.pack("H", 1) + arg["unix"].encode() + b"\0"
    syscall(42, peer, place, len(place))
    os.write(peer, arg["mark"].encode())


@attempt("sending a datagram to a socket outside", heard)
def datagram(arg):
    import socket

    hold(socket.socket(socket.AF_UNIX, 2)).sendto(arg["mark"].encode(), arg["unix_datagram"])


@attempt("connecting in packets to a socket outside", heard)
def packets(arg):
    import socket

    peer = hold(socket.socket(socket.AF_UNIX, 5))
    peer.connect(arg["unix_packet"])
    peer.send(arg["mark"].encode())


@attempt("connecting to an abstract socket", heard)
def abstract(arg):
    import socket

    peer = hold(socket.socket(socket.AF_UNIX))
    peer.connect("\0" + arg["abstract"])
    peer.send(arg["mark"].encode())


@attempt("sending a datagram to an abstract socket", heard)
def abstract_datagram(arg):
    import socket

    peer = hold(socket.socket(socket.AF_UNIX, 2))
    peer.sendto(arg["mark"].encode(), "\0" + arg["abstract_datagram"])


@attempt("aiming one of a pair of datagram sockets at a socket outside", heard)
def pair_aimed(arg):
    import socket

    one, other = socket.socketpair(socket.AF_UNIX, 2)
    hold((one, other))
    one.connect(arg["unix_datagram"])
    one.send(arg["mark"].encode())


@attempt("sending from one of a pair of datagram sockets to a socket outside", heard)
def pair_sending(arg):
    import socket

    one, other = socket.socketpair(socket.AF_UNIX, 2)
    hold((one, other))
    one.sendto(arg["mark"].encode(), arg["unix_datagram"])


@attempt("sending from a pair made by a system call with another type", heard)
def pair_odd(arg):
    pair = (ctypes.c_int * 2)()
    syscall(53, 1, 2 | 0o4000 | 0o2000000, 0, pair)
    place = struct.pack("H", 1) + arg["unix_datagram"].encode() + b"\0"
    mark = arg["mark"].encode()
    syscall(44, pair[0], mark, len(mark), 0, place, len(place))


@attempt("aiming the channel to the host at a socket outside", heard)
def channel_aimed(arg):
    import socket

    def by_descriptor(descriptor):
        peer = socket.socket(fileno=os.dup(descriptor))
        peer.sendto(arg["mark"].encode(), arg["unix_datagram"])

    def afresh():
        hold(socket.socket(socket.AF_UNIX, 2)).sendto(arg["mark"].encode(), arg["unix_datagram"])

    return try_each(lambda: by_descriptor(3), lambda: by_descriptor(4), afresh)


@attempt("waiting for guests at a socket in a granted folder", reachable)
def waiting(arg):
    import socket

    server = hold(socket.socket(socket.AF_UNIX))
    server.bind(arg["granted"] + "/mine")
    server.listen()
    return [1, 1, arg["granted"] + "/mine"]


@attempt("waiting for guests at an abstract socket", reachable)
def waiting_abstract(arg):
    import socket

    server = hold(socket.socket(socket.AF_UNIX))
    server.bind("\0" + arg["mark"])
    server.listen()
    return [1, 1, "@" + arg["mark"]]
