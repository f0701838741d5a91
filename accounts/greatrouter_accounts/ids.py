"""Ids that sort by the time they were made (UUIDv7, RFC 9562 section 5.7)."""

import random
import time


def uuid7(prefix: str = "", now_ns: int | None = None) -> str:
    """`prefix` and 32 hex digits: 60 bits of time since 1970 in 244-ns steps, version, variant and 62 random bits.

    Milliseconds alone would leave the many ids of one millisecond unordered, so the twelve bits after the version are
    the fraction of the millisecond (section 6.2, method 3): one takes 1 us to make, so a thread's ids are in order.

    >>> uuid7("req_", now_ns=1_500_000)[:20]
    'req_0000000000017800'
    """
    ms, rest_ns = divmod(time.time_ns() if now_ns is None else now_ns, 1_000_000)
    fraction = rest_ns * 4096 // 1_000_000
    # Ids tell things apart, they are not secrets: the system's random source takes 30 us a call, this one 0.2, and it
    # seeds itself anew in a forked process.
    noise = random.getrandbits(62)
    value = (ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | noise
    return f"{prefix}{value:032x}"


def made_at(name: str) -> float:
    """When `uuid7` made an id, in seconds since 1970.

    >>> made_at(uuid7("req_", now_ns=1_500_000_000))
    1.5
    """
    return int(name[-32:-20], 16) / 1000
