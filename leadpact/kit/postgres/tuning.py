"""Settings of the embedded server, given at each start: nothing of them is kept in the cluster's own files."""

from __future__ import annotations

import os

import psutil

MB = 1024 * 1024
SMALL_SHM = 256 * MB


def settings(*, durable: bool) -> dict[str, str]:
    """Settings for this machine, by PostgreSQL's names. `durable=False` is for tests: a power cut may lose everything."""
    memory = psutil.virtual_memory().total // MB
    chosen = {
        "listen_addresses": "",
        "max_connections": "100",
        "shared_buffers": f"{min(1024, max(128, memory // 8))}MB",
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


def _small_shm() -> bool:
    try:
        found = os.statvfs("/dev/shm")  # noqa: S108 -- asked for its size, nothing is written there
    except OSError:
        return False
    return found.f_frsize * found.f_blocks < SMALL_SHM
