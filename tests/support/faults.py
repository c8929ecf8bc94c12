"""build/release/strata_faults: the program with points at which it can be killed or fail (tests/faults/faults.cc)."""
import fcntl
import os
import signal
import subprocess
import tempfile

from tests.support.engine import REPOSITORY, Result, Strata

KILL, POWER, ENOSPC, EIO, STOP = "kill", "power", "enospc", "eio", "stop"


def program():
    """The path of strata_faults, built if need be: a relink, as all of the engine is there. One test at a time, as ninja wants it."""
    path = os.environ.get("STRATA_FAULTS")
    if not path:
        path = os.path.join(REPOSITORY, "build/release/strata_faults")
        with open(os.path.join(os.path.dirname(path), "strata_faults.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            subprocess.run(["cmake", "--build", os.path.dirname(path), "--target", "strata_faults"], check=True,
                           stdout=subprocess.DEVNULL)
    return path


class Faulty(Strata):
    """Runs one command, which meets `act` at its point number `at`; its points go to the file `log`."""

    def __init__(self, root, binary, act="", at=0, log=""):
        super().__init__(root)
        self.binary = binary
        self.variables = {"STRATA_FAULT_LOG": log, "STRATA_FAULT_AT": str(at), "STRATA_FAULT_DO": act,
                          "STRATA_FAULT_ROOT": root if act == POWER else ""}

    def command(self):
        return [self.binary, "--root", self.root]

    def environment(self):
        return super().environment() | self.variables


def points(binary, root, arguments, log, stdin=b""):
    """The points of one whole run: ["12 renameat repositories.json", ...]."""
    result = Faulty(root, binary, log=log).run(*arguments, stdin=stdin)
    if result.code != 0:
        raise AssertionError(f"the command to be broken fails by itself: {result}")
    with open(log, errors="surrogateescape") as file:
        return file.read().splitlines()


class Stopped:
    """One command, stopped before its point number `at`: `pid` stands still until finish().

    `at_point` is False if the command ended before it got there; else `point` is what it is: threads do not always come in one order.
    """

    def __init__(self, binary, root, arguments, at, stdin=None):
        log = tempfile.NamedTemporaryFile()
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.arguments = arguments
        self.process = Faulty(root, binary, STOP, at, log.name).popen(*arguments, stdin=stdin or subprocess.DEVNULL, stdout=self.out,
                                                                      stderr=self.err)
        self.pid = self.process.pid
        seen = os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        self.at_point = seen.si_code == os.CLD_STOPPED
        with log:
            lines = log.read().decode(errors="surrogateescape").splitlines()
        self.point = next((line for line in lines if line.startswith(f"{at} ")), "")

    def finish(self):
        """Lets it go on; how it ended."""
        if self.at_point:
            os.kill(self.pid, signal.SIGCONT)
        code = self.process.wait(timeout=120)
        texts = []
        for file in (self.out, self.err):
            file.seek(0)
            texts.append(file.read().decode(errors="surrogateescape"))
            file.close()
        return Result(tuple(self.arguments), code, *texts)

    def locks(self):
        """The flocks that it has: {(inode, "WRITE" or "READ")}."""
        found = set()
        with open("/proc/locks") as locks:
            for line in locks:
                words = line.split()
                if words[1] == "FLOCK" and words[4] == str(self.pid):
                    found.add((int(words[5].rpartition(":")[2]), words[3]))
        return found
