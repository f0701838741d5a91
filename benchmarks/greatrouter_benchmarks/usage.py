"""What a process and its descendants use (Linux)."""

import os
import time
from collections import defaultdict
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """User and system time that the tree below `pid` has used so far, all threads of all living processes.

    Read from the processes' own clocks: `/proc/PID/stat` counts in hundredths of a second, which is as much as a short
    measurement takes.
    """
    return sum(time.clock_gettime((~member << 3) | 2) for member in tree(pid))  # clock_getcpuclockid(3) in C


def resident_bytes(pid: int) -> int:
    """Resident memory of the tree; what processes share counts once for each."""
    pages = (int(Path(f"/proc/{member}/statm").read_text().split()[1]) for member in tree(pid))
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


def tree(pid: int) -> list[int]:
    """`pid` and its descendants."""
    children = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (parent := _parent(folder)) is not None:
            children[parent].append(int(folder.name))
    found = [pid]
    for member in found:
        found.extend(children[member])
    return found


def _parent(folder: Path) -> int | None:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return None
