"""The base class of tests that work on a store: a folder of their own, and a look at what they leave behind."""
import os
import secrets
import shutil
import sys
import time
import unittest

from tests.support import golden, mounts, processes
from tests.support.dockerd import Dockerd
from tests.support.engine import REPOSITORY, Strata
from tests.support.store import Store

sys.dont_write_bytecode = True
SCRATCH = os.environ.get("STRATA_TEST_DIR", "/var/tmp")
# For comparisons of what is said and made: a dockerd syncs at every step, and on a disk most of the time goes there.
IN_MEMORY = "/dev/shm" if os.path.ismount("/dev/shm") else SCRATCH
PATIENCE = 60  # seconds: what takes a moment may take long on a busy machine; only a test that fails waits for all of them


class StoreCase(unittest.TestCase):
    """Gives each test a folder on a real file system (or `where` the class says), removed afterwards, and the programs to use on it.

    A test fails if it leaves a mount or a process behind in its folder.
    """
    maxDiff = None
    longMessage = True
    where = SCRATCH

    def setUp(self):
        if os.geteuid() != 0:
            self.fail("needs root: mounts, devices, file owners")
        # Not mkdtemp(): a "_" at the wrong place is no part of an image's name, and buildah takes paths for names.
        self.folder = os.path.join(self.where, "strata-test-" + secrets.token_hex(6))
        self.mark = str(10**9 + secrets.randbelow(10**9))  # seconds to sleep that no other process of the machine has
        os.mkdir(self.folder, 0o700)
        self.addCleanup(self._clean_up)

    def _clean_up(self):
        left_processes = processes.end_those_naming(self.folder)
        left_mounts = mounts.unmount_below(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.assertEqual((left_processes, left_mounts), ([], []), "left behind: processes, mounts")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def strata(self, root="store"):
        return Strata(self.path(root))

    def store(self, root="store"):
        return Store(self.path(root))

    def wait_until(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"waited in vain for {what}")
            time.sleep(0.01)

    def wait_for_process(self, *words):
        """The pid of the process with this command line, once there is one."""
        self.wait_until(lambda: processes.running(*words), " ".join(words))
        return processes.running(*words)[0]

    def dockerd(self, root="store"):
        """A dockerd on that root until the end of the test."""
        daemon = Dockerd(self.path(root))
        self.addCleanup(daemon.__exit__)
        return daemon.start()

    def context(self, files, name="context"):
        """A folder with files: {"Dockerfile": "FROM ...", "d/x": b"...", "d/": None}. Returns its path."""
        for file, content in files.items():
            path = self.path(name, file)
            os.makedirs(path if content is None else os.path.dirname(path), exist_ok=True)
            if content is not None:
                with open(path, "wb") as out:
                    out.write(content.encode() if isinstance(content, str) else content)
        return self.path(name)

    def assert_store_sound(self, root="store", *options):
        """The independent checker finds nothing. For stores that only Strata wrote add "--expect-clean"."""
        findings = Store(self.path(root)).check(*options)
        self.assertEqual(findings.code, 0, f"the store check finds:\n{findings.out}{findings.err}")

    def assert_golden(self, name, text):
        """`text` is what tests/data/NAME holds; with STRATA_UPDATE_GOLDEN=1 the file is written instead."""
        path = os.path.join(REPOSITORY, "tests/data", name)
        golden.compare(self, path, text)
