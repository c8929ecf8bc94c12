"""Processes that a test must not leave behind."""
import os
import signal
import time


def naming(text):
    """Pids whose command line names `text`, without this process and its parents."""
    found, spared = [], set(_ancestors(os.getpid()))
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) in spared:
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if os.fsencode(text) in file.read():
                    found.append(int(name))
        except OSError:
            continue  # it has ended meanwhile
    return found


def end_those_naming(text, grace_seconds=2):
    """Gives them a moment to end by themselves; kills what then still runs and returns its command lines."""
    deadline = time.monotonic() + grace_seconds
    while naming(text) and time.monotonic() < deadline:
        time.sleep(0.02)
    left = []
    for pid in naming(text):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                left.append(file.read().replace(b"\0", b" ").decode(errors="replace"))
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
    return left


def _ancestors(pid):
    while pid > 0:
        yield pid
        try:
            with open(f"/proc/{pid}/stat") as file:
                pid = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            return
