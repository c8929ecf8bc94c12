#!/usr/bin/env python3
"""Which functions short commands run, for the linker to put them side by side (docs/decisions/0017-a-start-loads-one-library.md).

    scripts/start_order.py build/release/strata >cmake/start_order.ld          as root

Runs the commands below in a store of its own, with a breakpoint at the start of each function that is taken away when it is met, and
writes the functions in the order in which they were. To be done anew when tests/e2e/run_cost_test.py says so.
"""
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tests.support import rootfs  # noqa: E402

COMMANDS = ["version", "inspect IMAGE", "create --name box IMAGE true", "inspect box", "rm box", "images", "ps -a", "history IMAGE",
            "run --rm --network none IMAGE true", "tag IMAGE other", "rmi other"]
TRACEME, CONT, GETREGS, SETREGS, SETOPTIONS = 0, 7, 12, 13, 0x4200
FOLLOW = 2 | 4 | 8 | 0x100000  # what is forked, cloned or started by vfork, all of which end with this process
WALL = 0x40000000
RIP, REGISTERS = 16, 27  # index and number of struct user_regs_struct, x86-64
BREAKPOINT = b"\xcc"

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]


def functions(program):
    """{address: mangled name}"""
    table = subprocess.run(["readelf", "-sW", program], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in table.splitlines()]
    return {int(row[1], 16): row[7] for row in rows if len(row) == 8 and row[3] == "FUNC" and row[6] != "UND"}


def base_address(pid, program):
    for line in open(f"/proc/{pid}/maps"):
        if line.rstrip().endswith(program):
            return int(line.split("-")[0], 16)
    raise RuntimeError(f"{program} is not mapped")


class Trace:
    """A process and all that it starts, with a breakpoint at each of the functions."""

    def __init__(self, words, names):
        self.pid = os.fork()
        if self.pid == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):
                os.dup2(null, fd)
            libc.ptrace(TRACEME, 0, None, None)
            os.execv(words[0], words)
        os.waitpid(self.pid, 0)
        libc.ptrace(SETOPTIONS, self.pid, None, FOLLOW)
        self.names, self.met = names, []
        self.base = base_address(self.pid, words[0])
        self.original = {}
        with open(f"/proc/{self.pid}/mem", "r+b", buffering=0) as memory:
            for address in names:
                memory.seek(self.base + address)
                self.original[address] = memory.read(1)
                memory.seek(self.base + address)
                memory.write(BREAKPOINT)

    def pass_breakpoint(self, pid):
        registers = (ctypes.c_ulonglong * REGISTERS)()
        libc.ptrace(GETREGS, pid, None, ctypes.byref(registers))
        address = registers[RIP] - 1 - self.base
        if address not in self.names:
            return  # it executes another program, or has started somebody
        with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(self.base + address)
            memory.write(self.original[address])
        self.met.append(self.names[address])
        registers[RIP] -= 1
        libc.ptrace(SETREGS, pid, None, ctypes.byref(registers))

    def run(self):
        known = {self.pid}
        libc.ptrace(CONT, self.pid, None, 0)
        while True:
            pid, status = os.waitpid(-1, WALL)
            if not os.WIFSTOPPED(status):
                if pid == self.pid:
                    return self.met
                continue
            stop = os.WSTOPSIG(status)
            if stop == signal.SIGTRAP:
                self.pass_breakpoint(pid)
                stop = 0
            elif pid not in known:
                stop = 0  # as it begins
            known.add(pid)
            libc.ptrace(CONT, pid, None, stop)


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    names = functions(program)
    order = {}
    with tempfile.TemporaryDirectory() as folder:
        strata = [program, "--root", folder + "/store"]
        subprocess.run([*strata, "import", rootfs.busybox(folder + "/image.tar"), "image:1"], check=True, stdout=subprocess.DEVNULL)
        for command in COMMANDS:
            words = [*strata, *command.replace("IMAGE", "image:1").split()]
            order.update(dict.fromkeys(Trace(words, names).run()))
    print("/* What short commands run, in the order in which they do: made by scripts/start_order.py. */")
    print("SECTIONS\n{\n  .text.start :\n  {")
    for name in order:
        print(f"    *(.text.{name})")
    print("  }\n}\nINSERT BEFORE .text;")


if __name__ == "__main__":
    main()
