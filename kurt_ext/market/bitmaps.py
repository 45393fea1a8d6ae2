"""Sets of small numbers, each as one whole number whose bits say what is in it.

Python joins and meets such numbers word by word in C: a set among 100,000 costs half a
microsecond, however many it has. Sums over sets are kept in *planes*: the n-th plane has
whatever has the n-th bit in its sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["add", "best", "numbers_of", "of_bytes", "of_numbers", "to_bytes", "without"]

#: So many are told apart one by one; more are halved by a plane first, which costs a count.
_FEW = 32
_CHUNK = 2048
_BITS = [[bit for bit in range(8) if byte >> bit & 1] for byte in range(256)]


def of_numbers(numbers: Iterable[int], size: int) -> int:
    """Return the set of numbers below a size."""
    room = bytearray(size // 8 + 1)
    for number in numbers:
        room[number >> 3] |= 1 << (number & 7)
    return of_bytes(room)


def of_bytes(data: bytes | bytearray) -> int:
    """Return the set that bytes hold, the lowest numbers first."""
    return int.from_bytes(data, "little")


def to_bytes(members: int) -> bytes:
    """Return a set as bytes, without the zeros at its end."""
    return members.to_bytes((members.bit_length() + 7) // 8, "little")


def without(members: int, others: int) -> int:
    """Return what is in a set and not in another; faster than by the complement."""
    return members ^ (members & others)


def numbers_of(members: int, offset: int = 0, limit: int | None = None) -> list[int]:
    """Return the numbers in a set, the lowest first, from the one at an offset on."""
    data = to_bytes(members)
    at, end = 0, len(data)
    while offset:
        chunk = int.from_bytes(data[at : at + _CHUNK], "little").bit_count()
        if chunk > offset or at >= end:
            break
        at, offset = at + _CHUNK, offset - chunk
    found: list[int] = []
    wanted = None if limit is None else offset + limit
    while at < end and (wanted is None or len(found) < wanted):
        # What is zero is passed over by C; a chunk at a time, or all the rest would be copied.
        chunk_of = data[at : at + _CHUNK]
        left = chunk_of.lstrip(b"\0")
        place = at + len(chunk_of) - len(left)
        while left:
            found += [place * 8 + bit for bit in _BITS[left[0]]]
            if wanted is not None and len(found) >= wanted:
                break
            rest = left[1:].lstrip(b"\0")
            place += len(left) - len(rest)
            left = rest
        at += _CHUNK
    return found[offset:wanted]


def add(planes: list[int], addend: Sequence[int], shift: int) -> None:
    """Add to sums, in place; the addend is doubled so many times before."""
    carry = 0
    at = shift
    for one in addend:
        if at >= len(planes):
            planes += [0] * (at + 1 - len(planes))
        before = planes[at]
        either = before ^ one
        planes[at] = either ^ carry
        carry = (before & one) | (either & carry)
        at += 1
    while carry:
        if at == len(planes):
            planes.append(carry)
            return
        before = planes[at]
        planes[at] = before ^ carry
        carry &= before
        at += 1


def best(
    planes: Sequence[int], among: int, count: int, offset: int, limit: int
) -> list[tuple[int, int]]:
    """Return (number, sum) of a page of a set: the largest sums first, then the lowest numbers.

    :param count: how many are in the set.
    """
    found: list[tuple[int, int]] = []
    #: (set, how many, highest plane that is not looked at yet, sum so far)
    waiting = [(among, count, len(planes) - 1, 0)]
    while waiting and limit > 0:
        members, count, plane, total = waiting.pop()
        if offset >= count:
            offset -= count
            continue
        while plane >= 0 and count > _FEW:
            high = members & planes[plane]
            if high == members:
                total += 1 << plane
            elif high:
                many = high.bit_count()
                waiting.append((members ^ high, count - many, plane - 1, total))
                if offset >= many:
                    offset -= many
                    break
                members, count, total = high, many, total + (1 << plane)
            plane -= 1
        else:
            if plane < 0:
                page = [(number, total) for number in numbers_of(members, offset, limit)]
            else:
                page = _sorted(planes, plane, members, total)[offset : offset + limit]
            found += page
            offset, limit = 0, limit - len(page)
    return found


def _sorted(planes: Sequence[int], plane: int, members: int, total: int) -> list[tuple[int, int]]:
    """Return (number, sum) of each of a few, in their order."""
    sums = dict.fromkeys(_few(members), total)
    for at in range(plane + 1):
        high, worth = members & planes[at], 1 << at
        for number in _few(high):
            sums[number] += worth
    return sorted(sums.items(), key=lambda one: (-one[1], one[0]))


def _few(members: int) -> list[int]:
    """Return the numbers in a set of a few, the highest first."""
    found = []
    while members:
        number = members.bit_length() - 1
        found.append(number)
        members ^= 1 << number
    return found
