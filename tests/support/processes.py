"""Processes that a test must not leave behind."""
import contextlib
import os
import signal
import time


def naming(text):
    """Pids whose command line names `text`, without this process and its parents."""
    found, spared = [], set(_ancestors(os.getpid()))
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) in spared:
            continue
        if os.fsencode(text) in _command_line(name):
            found.append(int(name))
    return found


def family(pid):
    """The command lines of a process and of its children."""
    children = [int(name) for name in os.listdir("/proc") if name.isdigit() and _parent(int(name)) == pid]
    return [_command_line(one) for one in (pid, *children)]


def running(*words):
    """Pids of the processes that have exactly this command line."""
    line = b"".join(os.fsencode(word) + b"\0" for word in words)
    return [pid for pid in naming(words[0]) if _command_line(pid) == line]


def open_files(pid):
    """What its descriptors lead to."""
    found = set()
    with contextlib.suppress(OSError):  # it has ended
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):  # that one was closed
                found.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return found


GRACE_SECONDS = 30


def end_those_naming(text, grace_seconds=GRACE_SECONDS):
    """Gives them time to end by themselves; kills what then still runs and returns its command lines, when it is gone."""
    deadline = time.monotonic() + grace_seconds
    while naming(text) and time.monotonic() < deadline:
        time.sleep(0.02)
    left = {pid: _command_line(pid) for pid in naming(text)}
    left = {pid: line for pid, line in left.items() if line}  # one that is ending has none any more
    for pid in left:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(_holds_files(pid) for pid in left) and time.monotonic() < deadline:
        time.sleep(0.01)
    return [line.replace(b"\0", b" ").decode(errors="replace") for line in left.values()]


def _command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _holds_files(pid):
    """Whether it may have files open, and locks on them: it has until it is a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _parent(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _ancestors(pid):
    while pid > 0:
        yield pid
        pid = _parent(pid)
