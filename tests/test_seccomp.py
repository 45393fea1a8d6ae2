"""The filter gives every system call the answer of the tables, on both machines."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from confined import User, new_world
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.sandbox import seccomp, syscalls
from kurt_ext.sandbox.kernel import MACHINE
from kurt_ext.sandbox.seccomp import ALLOW, KILL, refuse

MACHINES = ("x86_64", "aarch64")
#: (whether it may start others, version of Landlock beside it)
KINDS = [(starts, version) for starts in (False, True) for version in (1, 2, 3, 5, 6, 7)]
PID = 4711
EPERM, EACCES, ENOTTY, ENOSYS, ENOPROTOOPT, ENOTSUP = (
    refuse(code) for code in (1, 13, 25, 38, 92, 95)
)
SUCCEEDS = refuse(0)
WORD = st.integers(0, 2**64 - 1)


numbers_of = cache(syscalls.numbers)


def judge(program: bytes, arch: int, number: int, arguments: tuple[int, ...]) -> int:
    """Interpret a program as the kernel does (linux/filter.h), and return its answer."""
    assert len(program) % 8 == 0
    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, arch, 0, *arguments)
    accumulator, at = 0, 0
    while True:
        operation, yes, no, k = code[at]  # IndexError: it ran off the end
        at += 1
        if operation == 0x06:
            return int(k)
        if operation == 0x20:
            assert k % 4 == 0 and k < len(data)
            accumulator = struct.unpack_from("=I", data, k)[0]
        elif operation == 0x54:
            accumulator &= k
        elif operation == 0x05:
            at += k
        else:
            test = {
                0x15: accumulator == k,
                0x35: accumulator >= k,
                0x45: bool(accumulator & k),
            }[operation]
            at += yes if test else no


def answer(
    machine: str, starts: bool, version: int, number: int, arguments: tuple[int, ...] = (0,) * 6
) -> int:
    return judge(built(machine, starts, version), seccomp.AUDIT_ARCH[machine], number, arguments)


@cache
def built(machine: str, starts: bool, version: int) -> bytes:
    return seccomp.build(machine, starts=starts, landlock=version).of(PID)


def low(value: int) -> int:
    return value & 0xFFFFFFFF


Case = Callable[[tuple[int, ...], bool, int], int]


def kill(a: tuple[int, ...], starts: bool, version: int) -> int:
    if starts and version >= 6:
        return ALLOW
    return ALLOW if low(a[0]) in ({PID, 0} if starts else {PID}) else EPERM


def tgkill(a: tuple[int, ...], starts: bool, version: int) -> int:
    return ALLOW if (starts and version >= 6) or low(a[0]) == PID else EPERM


def clone(a: tuple[int, ...], starts: bool, version: int) -> int:
    apart = low(a[0]) & (0x7E020000 | 0x8000 | 0x2000)
    return ALLOW if not apart and (starts or a[0] & 0x10000) else EPERM


def opening(at: int) -> Case:
    def case(a: tuple[int, ...], starts: bool, version: int) -> int:
        empties = a[at] & 0x200 and a[at] & 3 not in (1, 2)
        return EPERM if empties and version < 3 else ALLOW

    return case


def options(a: tuple[int, ...], starts: bool, version: int) -> int:
    level, option = low(a[1]), low(a[2])
    if level in (1, 6):
        bad = {25, 26, 27, 36, 44, 50, 51, 52} if level == 1 else {19, 31}
        return EPERM if option in bad else ALLOW
    return ALLOW if (level, option) in {(0, 1), (0, 2), (41, 26), (41, 67)} else ENOPROTOOPT


def among(at: int, values: set[int], otherwise: int) -> Case:
    return lambda a, starts, version: ALLOW if low(a[at]) in values else otherwise


def no_fast_open(at: int) -> Case:
    return lambda a, starts, version: EPERM if a[at] & 0x20000000 else ALLOW


FCNTLS = {0, 1, 2, 3, 4, 5, 6, 7, 9, 36, 37, 38, 1025, 1027, 1030, 1032, 1034}
PRCTLS = {15, 16, 1398164801, 23, 3, 39, 21, 30}
#: What the calls that depend on their arguments are to be answered.
CASES: dict[str, Case] = {
    "kill": kill,
    "tgkill": tgkill,
    "clone": clone,
    "open": opening(1),
    "openat": opening(2),
    "truncate": lambda a, starts, version: ALLOW if version >= 3 else EPERM,
    "setsockopt": options,
    "prlimit64": among(0, {0, PID}, EPERM),
    "fcntl": among(1, FCNTLS, EPERM),
    "ioctl": among(1, {0x541B, 0x5421, 0x5451, 0x5450, 0x5401, 0x5413}, ENOTTY),
    "prctl": among(0, PRCTLS, EPERM),
    "socketpair": lambda a, starts, version: (
        ALLOW if low(a[0]) == 1 and low(a[1]) & ~0x80800 == 1 else EACCES
    ),
    "sendto": lambda a, starts, version: ALLOW if a[4] == 0 and not a[3] & 0x20000000 else EPERM,
    "sendmsg": no_fast_open(2),
    "sendmmsg": no_fast_open(3),
}
#: Values at which an argument's meaning turns, for any of the calls.
TURNING = st.sampled_from(
    [
        *(0, 1, 2, 3, 5, 6, 8, 10, 15, 22, 26, 31, 36, 38, 41, 67, 1026, 1031, 1034),
        *(PID, PID + 1, PID + 2**32, 2**32, 2**32 + 1, 2**64 - 1),
        *(0x200, 0x201, 0x202, 0x203, 0x801, 0x10000, 0x18000, 0x80801, 0x80802, 0x3D0F00),
        *(0x10010000, 0x20000000, 0x5412, 0x541B, 0x5412 + 2**32, 0x541B + 2**32, 0x53564D41),
    ]
)


def expected(machine: str, starts: bool, version: int, number: int) -> int | str:
    """Return what the tables say of a number; the name of a call that depends on its arguments."""
    for table, said in (
        (syscalls.ALLOWED, ALLOW),
        (syscalls.REFUSED, EPERM),
        (syscalls.NO_SOCKETS, EACCES),
        (syscalls.NO_ATTRIBUTES, ENOTSUP),
        (syscalls.PRETENDED, SUCCEEDS),
    ):
        for name, own in numbers_of(table, machine).items():
            if own == number:
                if starts and name in ("fork", "vfork", "execve"):
                    return ALLOW
                return ENOSYS if name == "openat2" and version < 3 else said
    for name, own in numbers_of(syscalls.ARGUMENTS, machine).items():
        if own == number:
            return name
    return ENOSYS


@pytest.mark.parametrize(("starts", "version"), KINDS)
@pytest.mark.parametrize("machine", MACHINES)
def test_every_number_gets_the_answer_of_its_table(
    machine: str, starts: bool, version: int
) -> None:
    zeros = (0,) * 6
    for number in range(1024):
        wanted = expected(machine, starts, version, number)
        if isinstance(wanted, str):
            wanted = CASES[wanted](zeros, starts, version)
        assert answer(machine, starts, version, number) == wanted, number


@given(number=st.integers(0x40000000, 0xFFFFFFFF), kind=st.sampled_from(KINDS))
def test_numbers_of_another_abi_kill(number: int, kind: tuple[bool, int]) -> None:
    for machine in MACHINES:
        assert answer(machine, *kind, number) == KILL


@given(number=st.integers(1024, 0x3FFFFFFF), kind=st.sampled_from(KINDS))
def test_numbers_to_come_do_not_exist(number: int, kind: tuple[bool, int]) -> None:
    for machine in MACHINES:
        assert answer(machine, *kind, number) == ENOSYS


@given(
    arch=st.sampled_from([0x40000003, 0x40000028, 0, 0xC000003E, 0xC00000B7, 0x80000016]),
    number=st.integers(0, 500),
    kind=st.sampled_from(KINDS),
)
def test_another_architecture_kills(arch: int, number: int, kind: tuple[bool, int]) -> None:
    for machine in MACHINES:
        if arch != seccomp.AUDIT_ARCH[machine]:
            assert judge(built(machine, *kind), arch, number, (0,) * 6) == KILL


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
@given(
    arguments=st.lists(TURNING | WORD, min_size=6, max_size=6).map(tuple),
    kind=st.sampled_from(KINDS),
)
def test_arguments_decide(name: str, arguments: tuple[int, ...], kind: tuple[bool, int]) -> None:
    for machine in MACHINES:
        number = numbers_of(syscalls.ARGUMENTS, machine).get(name)
        if number is not None:  # arm64 has no open(2)
            assert answer(machine, *kind, number, arguments) == CASES[name](arguments, *kind)


def test_the_tables_overlap_in_nothing() -> None:
    tables = (
        syscalls.ALLOWED,
        syscalls.REFUSED,
        syscalls.NO_SOCKETS,
        syscalls.NO_ATTRIBUTES,
        syscalls.PRETENDED,
        syscalls.ARGUMENTS,
    )
    for machine in MACHINES:
        rows = [row for table in tables for row in numbers_of(table, machine).items()]
        assert len({name for name, _ in rows}) == len({number for _, number in rows}) == len(rows)
    assert set(numbers_of(syscalls.ARGUMENTS, "x86_64")) == set(CASES)


@pytest.mark.parametrize(
    ("machine", "header"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        ("aarch64", "/usr/include/asm-generic/unistd.h"),
    ],
)
def test_the_numbers_are_those_of_the_kernel_headers(machine: str, header: str) -> None:
    if not Path(header).exists():
        pytest.skip(f"no {header} to compare with")
    words = [line.split() for line in Path(header).read_text().splitlines()]
    stated = {
        line[1].removeprefix("__NR_").removeprefix("__NR3264_").replace("fstatat", "newfstatat", 1)
        if machine == "aarch64" and line[1] == "__NR3264_fstatat"
        else line[1].removeprefix("__NR_").removeprefix("__NR3264_"): int(line[2])
        for line in words
        if line[:1] == ["#define"] and len(line) > 2 and line[2].isdigit()
    }
    for table in (syscalls.ALLOWED, syscalls.REFUSED, syscalls.ARGUMENTS, syscalls.PRETENDED):
        for name, number in numbers_of(table, machine).items():
            assert stated.get(name, number) == number, name


def test_a_program_is_short_enough_and_only_the_pid_differs() -> None:
    for machine in MACHINES:
        for starts, version in KINDS:
            made = seccomp.build(machine, starts=starts, landlock=version)
            assert made is seccomp.build(machine, starts=starts, landlock=version)
            assert len(made.program) // 8 <= 4096  # BPF_MAXINSNS
            one, other = made.of(1), made.of(2)
            differing = {at // 4 for at in range(len(one)) if one[at] != other[at]}
            assert differing <= {place // 4 for place in made.places}
            assert made.places


def test_the_kernel_answers_as_the_interpreter_does() -> None:
    """Every call that is always refused is made in a confined child, with arguments of no use."""
    numbers = {
        name: number
        for table in (syscalls.REFUSED, syscalls.NO_ATTRIBUTES, syscalls.NO_SOCKETS)
        for name, number in numbers_of(table, MACHINE or "x86_64").items()
    }
    pieces = {name: f"call({number}, -1, -1, -1, -1, -1, -1)" for name, number in numbers.items()}
    with new_world(User()) as world:
        tried = world.run(pieces)["tried"]
    codes = {EPERM: {"EPERM"}, EACCES: {"EACCES"}, ENOTSUP: {"ENOTSUP", "EOPNOTSUPP"}}
    for name, outcome in tried.items():
        assert outcome in codes[answer(MACHINE, False, 7, numbers[name])], name


#: Calls by the numbers of other ABIs, which a filter that only knows one would let pass.
FOREIGN = {
    "x32": "result = libc.getpid() and libc.syscall(ctypes.c_long(0x40000000 + 39))",
    "i386": (
        "import mmap\n"
        "page = mmap.mmap(-1, 4096, prot=7)\n"
        "page.write(bytes.fromhex('b814000000cd80c3'))\n"  # mov eax, 20; int 0x80; ret
        "ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()"
    ),
}


@pytest.mark.skipif(MACHINE != "x86_64", reason="they are ABIs of x86-64")
@pytest.mark.parametrize("abi", FOREIGN)
def test_a_call_of_another_abi_ends_the_process(abi: str) -> None:
    with new_world(User()) as world:
        try:
            world.run({abi: FOREIGN[abi]}, confine=False)
        except AssertionError:
            pytest.skip(f"this kernel knows no calls of {abi}")
        with pytest.raises(AssertionError, match="-31"):  # SIGSYS
            world.run({abi: FOREIGN[abi]})
