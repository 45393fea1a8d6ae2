"""The filter of system calls of a confined process: an assembler of classic BPF, and its rules.

The kernel runs the program before each call (seccomp(2)); it sees the number of
the call and its arguments as they are in registers, and no memory. Numbers are
found by halving: ranges with one answer are the leaves of a tree, so that any
call is judged in some ten instructions.
"""

from __future__ import annotations

import struct

from . import syscalls
from .kernel import Unconfined, syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    #: (operation, steps if true, steps if false, constant)
    Instruction = tuple[int, int, int, int]
    Block = list[Instruction]

__all__ = ["ALLOW", "AUDIT_ARCH", "KILL", "Filter", "build", "install", "refuse"]

# linux/seccomp.h
ALLOW = 0x7FFF0000
KILL = 0x80000000  # of the whole process
_ERRNO = 0x00050000

#: Machine → its number in seccomp's data (linux/audit.h).
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# linux/filter.h, linux/bpf_common.h
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _JUMP, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x05, 0x06
_NR, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
#: Numbers from here on are calls of x32 on x86-64, and of nothing elsewhere.
_X32 = 0x40000000
#: Stands in a filter for the number of the process that installs it.
_OWN_PID = -1

EPERM, EACCES, EINVAL, ENOTTY, ENOSYS, ENOPROTOOPT, ENOTSUP = 1, 13, 22, 25, 38, 92, 95

_CLONE_THREAD = 0x00010000
#: CLONE_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET; CLONE_PARENT, _PTRACE.
_CLONE_REFUSED = 0x7E020000 | 0x00008000 | 0x00002000
_MSG_FASTOPEN = 0x20000000
_O_TRUNC, _O_ACCMODE = 0x200, 3
_AF_UNIX, _SOCK_STREAM = 1, 1
_SOCK_FLAGS = 0x80000 | 0x800  # SOCK_CLOEXEC, SOCK_NONBLOCK
#: FIONREAD FIONBIO FIOCLEX FIONCLEX TCGETS TIOCGWINSZ. TIOCSTI would type into the terminal.
_IOCTLS = (0x541B, 0x5421, 0x5451, 0x5450, 0x5401, 0x5413)
#: PR_SET_NAME PR_GET_NAME PR_SET_VMA PR_CAPBSET_READ PR_GET_DUMPABLE PR_GET_NO_NEW_PRIVS
#: PR_GET_SECCOMP PR_GET_TIMERSLACK
_PRCTLS = (15, 16, 0x53564D41, 23, 3, 39, 21, 30)
#: F_DUPFD F_GETFD F_SETFD F_GETFL F_SETFL F_GETLK F_SETLK F_SETLKW F_GETOWN, F_OFD_GETLK _SETLK
#: _SETLKW, F_GETLEASE F_DUPFD_QUERY F_DUPFD_CLOEXEC F_GETPIPE_SZ F_GET_SEALS. Not F_SETOWN and
#: F_SETSIG (they signal any process of the user), not leases, notices and the size of pipes.
_FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 9, 36, 37, 38, 1025, 1027, 1030, 1032, 1034)
_SOL_SOCKET, _SOL_IP, _SOL_TCP, _SOL_IPV6 = 1, 0, 6, 41
#: SO_BINDTODEVICE, SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_MARK, SO_LOCK_FILTER, SO_ATTACH_BPF,
#: SO_ATTACH_REUSEPORT_CBPF and _EBPF
_SOCKET_REFUSED = (25, 26, 27, 36, 44, 50, 51, 52)
#: TCP_REPAIR, TCP_ULP
_TCP_REFUSED = (19, 31)


def refuse(code: int) -> int:
    """Return the answer that makes a call fail with an errno, or with 0 only seem to succeed."""
    return _ERRNO | code


class Filter:
    """A program, for any process of one machine.

    :param program: its instructions, 8 bytes each.
    :param places: offsets in it at which the number of the process belongs.
    """

    __slots__ = ("places", "program")

    def __init__(self, program: bytes, places: tuple[int, ...]) -> None:
        self.program = program
        self.places = places

    def of(self, pid: int) -> bytes:
        """Return the program for one process."""
        made = bytearray(self.program)
        for place in self.places:
            struct.pack_into("=I", made, place, pid)
        return bytes(made)


_built: dict[tuple[str, bool, int], Filter] = {}


def build(machine: str, *, starts: bool = False, landlock: int = 7) -> Filter:
    """Return the filter of a machine; the same one again when asked again.

    :param machine: ``x86_64`` or ``aarch64``.
    :param starts: whether the process may start others.
    :param landlock: the version of Landlock beside it: what it does not hold
        (truncation before 3, signals before 6) is the filter's to refuse.
    """
    key = (machine, starts, 7 if landlock >= 6 else 3 if landlock >= 3 else 1)
    if key not in _built:
        body = _tree(_leaves(machine, *key[1:]))
        #: Another architecture's calls have other numbers: none may pass.
        whole = [
            (_LOAD, 0, 0, _ARCH),
            (_EQUAL, 1, 0, AUDIT_ARCH[machine]),
            (_RETURN, 0, 0, KILL),
            (_LOAD, 0, 0, _NR),
            *body,
        ]
        places = tuple(i * 8 + 4 for i, one in enumerate(whole) if one[3] == _OWN_PID)
        packed = b"".join(
            struct.pack("=HBBI", code, yes, no, max(k, 0)) for code, yes, no, k in whole
        )
        _built[key] = Filter(packed, places)
    return _built[key]


def install(program: bytes) -> None:
    """Put a filter on every thread of this process, for good; no_new_privs must be set.

    :raises Unconfined: when the kernel does not take it.
    """
    import ctypes

    held = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(held))
    try:
        # SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
        unlike = syscall("seccomp", 1, 1, header)
    except OSError as error:
        raise Unconfined(f"seccomp takes no filter: {error.strerror}", "seccomp") from error
    if unlike:
        raise Unconfined(f"the thread {unlike} has a filter of its own", "seccomp")


# -- rules -------------------------------------------------------------------------


def _leaves(machine: str, starts: bool, landlock: int) -> list[tuple[int, int | Block]]:
    """Return (first number, answer or block) of each range, in order, from 0 to the end."""
    answers: dict[int, int | Block] = {}
    for table, answer in (
        (syscalls.ALLOWED, ALLOW),
        (syscalls.REFUSED, refuse(EPERM)),
        (syscalls.NO_SOCKETS, refuse(EACCES)),
        (syscalls.NO_ATTRIBUTES, refuse(ENOTSUP)),
        (syscalls.PRETENDED, refuse(0)),
    ):
        answers.update(dict.fromkeys(syscalls.numbers(table, machine).values(), answer))
    judged = _judged(starts, landlock)
    arguments = syscalls.numbers(syscalls.ARGUMENTS, machine)
    answers.update({number: judged[name] for name, number in arguments.items()})
    if starts:
        refused = syscalls.numbers(syscalls.REFUSED, machine)
        answers.update((refused[n], ALLOW) for n in ("fork", "vfork", "execve") if n in refused)
    if landlock < 3:  # its flags are in memory, O_TRUNC among them
        answers[syscalls.numbers(syscalls.ALLOWED, machine)["openat2"]] = refuse(ENOSYS)
    found: list[tuple[int, int | Block]] = []
    unknown = refuse(ENOSYS)
    for number in range(max(answers) + 2):
        here = answers.get(number, unknown)
        if not found or here != found[-1][1]:
            found.append((number, here))
    found.append((_X32, KILL))
    return found


def _judged(starts: bool, landlock: int) -> dict[str, Block]:
    """Return what becomes of the calls that are judged by their arguments."""
    own = _one_of(0, (_OWN_PID,), EPERM)
    kill: Block
    tgkill: Block
    if starts and landlock >= 6:
        kill, tgkill = [], []  # Landlock keeps every signal within what has been started here
    elif starts:
        kill, tgkill = _one_of(0, (_OWN_PID, 0), EPERM), own
    else:
        kill = tgkill = own
    plain = _lacks(0, _CLONE_REFUSED, EPERM)
    blocks: dict[str, Block] = {
        "clone": plain if starts else [*plain, *_has(0, _CLONE_THREAD, EPERM)],
        "kill": kill,
        "tgkill": tgkill,
        "prlimit64": _one_of(0, (0, _OWN_PID), EPERM),
        "fcntl": _one_of(1, _FCNTLS, EPERM),
        "ioctl": _one_of(1, _IOCTLS, ENOTTY),
        "prctl": _one_of(0, _PRCTLS, EPERM),
        # A pair of datagram sockets could be turned towards any path.
        "socketpair": [
            *_one_of(0, (_AF_UNIX,), EACCES),
            *_one_of(1, (_SOCK_STREAM,), EACCES, ignored=_SOCK_FLAGS),
        ],
        "sendto": [*_zero(4, EPERM), *_lacks(3, _MSG_FASTOPEN, EPERM)],
        "sendmsg": _lacks(2, _MSG_FASTOPEN, EPERM),
        "sendmmsg": _lacks(3, _MSG_FASTOPEN, EPERM),
        "setsockopt": _socket_options(),
        "open": [],
        "openat": [],
        "truncate": [],
    }
    if landlock < 3:
        blocks["open"], blocks["openat"] = _cuts_openly(1), _cuts_openly(2)
        blocks["truncate"] = [(_RETURN, 0, 0, refuse(EPERM))]
    return {name: [*block, (_RETURN, 0, 0, ALLOW)] for name, block in blocks.items()}


def _low(argument: int) -> Instruction:
    """Load the low half of an argument; both machines are little-endian."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * argument)


def _one_of(argument: int, values: Iterable[int], code: int, *, ignored: int = 0) -> Block:
    """Refuse unless the low half of an argument, but for some bits, is one of these."""
    given = tuple(values)
    masked: Block = [(_AND, 0, 0, 0xFFFFFFFF & ~ignored)] if ignored else []
    tests = [(_EQUAL, len(given) - i, 0, value) for i, value in enumerate(given)]
    return [_low(argument), *masked, *tests, (_RETURN, 0, 0, refuse(code))]


def _none_of(argument: int, values: Iterable[int], code: int) -> Block:
    """Refuse if the low half of an argument is one of these."""
    given = tuple(values)
    tests = [(_EQUAL, len(given) - i, 0, value) for i, value in enumerate(given)]
    return [_low(argument), *tests, (_JUMP, 0, 0, 1), (_RETURN, 0, 0, refuse(code))]


def _lacks(argument: int, bits: int, code: int) -> Block:
    return [_low(argument), (_ANY_BIT, 0, 1, bits), (_RETURN, 0, 0, refuse(code))]


def _has(argument: int, bits: int, code: int) -> Block:
    return [_low(argument), (_ANY_BIT, 1, 0, bits), (_RETURN, 0, 0, refuse(code))]


def _zero(argument: int, code: int) -> Block:
    """Refuse unless all 64 bits of an argument are 0."""
    high = (_LOAD, 0, 0, _ARGUMENTS + 8 * argument + 4)
    check = [(_EQUAL, 1, 0, 0), (_RETURN, 0, 0, refuse(code))]
    return [_low(argument), *check, high, *check]


def _cuts_openly(argument: int) -> Block:
    """Refuse to empty a file that is not opened for writing.

    Landlock sees that from version 3 on. The access mode 3 empties as well, and
    asks for neither right.
    """
    return [
        _low(argument),
        (_ANY_BIT, 0, 4, _O_TRUNC),
        (_AND, 0, 0, _O_ACCMODE),
        (_EQUAL, 2, 0, 1),
        (_EQUAL, 1, 0, 2),
        (_RETURN, 0, 0, refuse(EPERM)),
    ]


def _socket_options() -> Block:
    """Allow the options of a connection, and none that reaches into the kernel or around a rule."""
    levels: tuple[tuple[int, Block], ...] = (
        (_SOL_SOCKET, _none_of(2, _SOCKET_REFUSED, EPERM)),
        (_SOL_TCP, _none_of(2, _TCP_REFUSED, EPERM)),
        (_SOL_IP, _one_of(2, (1, 2), ENOPROTOOPT)),  # IP_TOS, IP_TTL
        (_SOL_IPV6, _one_of(2, (26, 67), ENOPROTOOPT)),  # IPV6_V6ONLY, IPV6_TCLASS
    )
    found: Block = [_low(1)]
    for level, block in levels:
        found += [(_EQUAL, 0, len(block) + 1, level), *block, (_RETURN, 0, 0, ALLOW)]
    return [*found, (_RETURN, 0, 0, refuse(ENOPROTOOPT))]


def _tree(leaves: list[tuple[int, int | Block]]) -> Block:
    """Return the program that finds the range of a number by halving."""
    if len(leaves) == 1:
        answer = leaves[0][1]
        return [(_RETURN, 0, 0, answer)] if isinstance(answer, int) else answer
    middle = len(leaves) // 2
    below, above = _tree(leaves[:middle]), _tree(leaves[middle:])
    start = leaves[middle][0]
    if len(below) < 256:  # a conditional jump goes no further
        return [(_AT_LEAST, len(below), 0, start), *below, *above]
    return [(_AT_LEAST, 0, 1, start), (_JUMP, 0, 0, len(below)), *below, *above]
