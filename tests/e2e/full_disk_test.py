"""A disk that is really full: a small ext4 and a small xfs, filled to the last byte at points of a publication.

The command stops before the point (tests/faults/faults.cc), everything that is free is taken, and it goes on. Of each
command every k-th point is tried; STRATA_CRASH_STEP=1 tries all of them.
"""
import errno
import os
import shutil
import subprocess
import unittest

from tests.e2e import crash_test
from tests.support import faults, mounts
from tests.support.engine import Strata
from tests.support.store import Store

STEP = int(os.environ.get("STRATA_CRASH_STEP", "0"))
MIB = 1 << 20


class Disk:
    """A file system of its own in a sparse file, mounted at `path`."""

    def __init__(self, kind, folder):
        self.path = os.path.join(folder, kind)
        image = self.path + ".img"
        os.mkdir(self.path)
        size, make = {"ext4": (24 * MIB, ["mkfs.ext4", "-q", "-m", "0", "-N", "2000"]), "xfs": (300 * MIB, ["mkfs.xfs", "-q"])}[kind]
        with open(image, "wb") as file:
            file.truncate(size)
        subprocess.run([*make, image], check=True)
        subprocess.run(["mount", "-o", "loop", image, self.path], check=True)

    def fill(self):
        """Takes all that is free, with larger and then smaller files, until not even an empty one can be made."""
        os.mkdir(os.path.join(self.path, "ballast"))
        try:
            for number in range(64):
                fd = os.open(os.path.join(self.path, "ballast", str(number)), os.O_WRONLY | os.O_CREAT, 0o600)
                with os.fdopen(fd, "wb") as file:
                    free = os.statvfs(self.path)
                    self.grow(file.fileno(), free.f_bavail * free.f_bsize)
        except OSError as full:
            if full.errno != errno.ENOSPC:
                raise

    @staticmethod
    def grow(fd, most):
        """By halves of what was there: file systems keep some for what describes the files."""
        while most >= 4096:
            try:
                os.posix_fallocate(fd, os.fstat(fd).st_size, most)
            except OSError as full:
                if full.errno != errno.ENOSPC:
                    raise
                most //= 2

    def unmount(self):
        subprocess.run(["umount", self.path], check=True)

    def empty(self):
        shutil.rmtree(os.path.join(self.path, "ballast"))


class FullDiskTest(crash_test.CrashCase):
    def attempt(self, disk, command, at):
        root = os.path.join(disk.path, "store")
        shutil.rmtree(root, ignore_errors=True)
        crash_test.copy_store(self.path("sound"), root)
        engine, words = Strata(root), command.words(self.folder)
        stopped = faults.Stopped(self.binary, root, words, at)
        try:
            disk.fill()
        finally:
            result = stopped.finish()
            disk.empty()
        self.assertIn(result.code, (0, 1, 125, 2), str(result))
        if result.code != 0:
            self.assertRegex(result.err.lower(), "no space left on device", str(result))
        mounts.unmount_below(root)
        trial = crash_test.Trial(self.folder, self.binary, command, faults.ENOSPC, at, "")
        crash_test.check_tags(trial, Store(root), self.store("sound"), self.store("whole-" + command.name))
        crash_test.look(engine, "whole")
        again = engine.run(*words)
        self.assertTrue(again.code == 0 or (command.done and command.done in again.err), f"cannot be repeated: {again}")
        self.assertLessEqual(engine.run("check", "--repair").code, 1)
        crash_test.look(engine, "clean")
        crash_test.independent(root)
        return result.code != 0

    def try_disk(self, kind, step):
        disk = Disk(kind, self.folder)
        self.addCleanup(disk.unmount)
        tried = failed = 0
        for command in crash_test.COMMANDS:
            if command.stdin or command.name not in ("build", "build-run", "load", "import", "commit", "tag", "rmi", "create"):
                continue
            for trial in self.trials(command, faults.ENOSPC, STEP or step):
                with self.subTest(f"{command.name} at {trial.point}"):
                    tried += 1
                    try:
                        failed += self.attempt(disk, command, trial.at)
                    except crash_test.Failed as problem:
                        self.fail(str(problem))
        print(f"{kind}: {tried} points, at {failed} the command had no room")
        self.assertGreater(failed, 0)

    def test_ext4(self):
        self.try_disk("ext4", 40)

    def test_xfs(self):
        self.try_disk("xfs", 80)


if __name__ == "__main__":
    unittest.main()
