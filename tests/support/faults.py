"""build/release/strata_faults: the program with points at which it can be killed or fail (tests/faults/faults.cc)."""
import os
import subprocess

from tests.support.engine import REPOSITORY, Strata

KILL, POWER, ENOSPC, EIO = "kill", "power", "enospc", "eio"


def program():
    """The path of strata_faults, built if need be: a relink, as all of the engine is there."""
    path = os.environ.get("STRATA_FAULTS")
    if not path:
        path = os.path.join(REPOSITORY, "build/release/strata_faults")
        subprocess.run(["cmake", "--build", os.path.dirname(path), "--target", "strata_faults"], check=True,
                       stdout=subprocess.DEVNULL)
    return path


class Faulty(Strata):
    """Runs one command, which meets `act` at its point number `at`; without `at` its points go to the file `log`."""

    def __init__(self, root, binary, act="", at=0, log=""):
        super().__init__(root)
        self.binary = binary
        self.variables = {"STRATA_FAULT_LOG": log} if log else {
            "STRATA_FAULT_AT": str(at), "STRATA_FAULT_DO": act, "STRATA_FAULT_ROOT": root if act == POWER else ""}

    def command(self):
        return [self.binary, "--root", self.root]

    def environment(self):
        return super().environment() | self.variables


def points(binary, root, arguments, log, stdin=b""):
    """The points of one whole run: ["12 renameat repositories.json", ...]."""
    result = Faulty(root, binary, log=log).run(*arguments, stdin=stdin, timeout=60)
    if result.code != 0:
        raise AssertionError(f"the command to be broken fails by itself: {result}")
    with open(log, errors="surrogateescape") as file:
        return file.read().splitlines()
