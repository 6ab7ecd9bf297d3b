"""Settings of the embedded server, given at each start: nothing of them is kept in the cluster's own files."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

MB = 1024 * 1024
SMALL_SHM = 256 * MB
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where the kernel says what a container may use (control groups, version 2 and 1); "max", or a huge number: no limit."""


def settings(*, durable: bool) -> dict[str, str]:
    """Settings for this machine, by PostgreSQL's names. `durable=False` is for tests: a power cut may lose everything."""
    memory = _memory() // MB
    chosen = {
        "listen_addresses": "",
        "max_connections": "100",
        # A quarter, as PostgreSQL's manual advises. Pages beyond it are copied from the kernel's cache at every look, which at a
        # million leads was a third of judging a thousand of them.
        "shared_buffers": f"{min(4096, max(128, memory // 4))}MB",
        "effective_cache_size": f"{max(256, memory // 2)}MB",
        "work_mem": "32MB",
        "maintenance_work_mem": f"{min(512, max(64, memory // 16))}MB",
        "max_wal_size": "2GB",
        "min_wal_size": "256MB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        # Our statements are many and short: compiling them costs more than it saves.
        "jit": "off",
        "fsync": "on",
        "synchronous_commit": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        # The log must not hold personal data: no text of statements, no "Key (email)=(…)".
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
    }
    if _small_shm():
        # A container's /dev/shm is 64 MB; parallel queries would fail there with "no space left on device".
        chosen["dynamic_shared_memory_type"] = "mmap"
    if not durable:
        chosen |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}
    return chosen


def _memory() -> int:
    """Bytes that we may use: what the machine has, or less where a container is held to less."""
    machine = psutil.virtual_memory().total
    for file in LIMITS:
        try:
            said = file.read_text().strip()
        except OSError:
            continue
        if said.isdigit() and int(said) > 0:
            return min(machine, int(said))
    return machine


def _small_shm() -> bool:
    try:
        found = os.statvfs("/dev/shm")  # noqa: S108 -- asked for its size, nothing is written there
    except OSError:
        return False
    return found.f_frsize * found.f_blocks < SMALL_SHM
