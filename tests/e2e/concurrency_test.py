"""Sixteen processes at once do random things with one store, and some of them are killed at random moments.

In the suite for a few seconds; STRATA_CONCURRENCY_SECONDS=300 for minutes, STRATA_CONCURRENCY_SEED=N for another order.
"""
import fcntl
import os
import random
import re
import shutil
import subprocess
import tarfile
import threading
import time
import unittest

from tests.support import mounts, processes, rootfs
from tests.support.case import IN_MEMORY, PATIENCE, StoreCase

SECONDS = float(os.environ.get("STRATA_CONCURRENCY_SECONDS", "20"))
SEED = int(os.environ.get("STRATA_CONCURRENCY_SEED", "1"))
WORKERS, KILLED, SHARED = 16, 0.12, 6  # processes, the part of them that is killed, names that all fight for

# What a command may say when others were faster. Anything else is a failure of the test.
LOST = re.compile("|".join((
    "No such image", "No such container", "already in use", "pull access denied", "conflict", "was removed meanwhile",
    "is marked for removal", "image is being used", "has dependent child", "must be forced", "cannot remove", "is not running",
    "another strata works on the store")))


class Worker(threading.Thread):
    """One after the other, until the time is up: each command is a process."""

    def __init__(self, case, number):
        super().__init__()
        self.case, self.number = case, number
        self.random = random.Random(f"{SEED} {number}")
        self.kept = {}     # tag -> image ID: nobody else touches these
        self.wrong = []
        self.done = self.killed = self.lost = self.longest = 0

    def run(self):
        try:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end and not self.wrong:
                self.random.choice((self.build_kept, self.build_shared, self.build_shared, self.tag, self.load, self.create, self.remove_container,
                                    self.commit, self.remove_image, self.remove_image, self.run_container, self.prune, self.look))()
        except Exception as problem:  # a thread's exception would only be printed
            self.wrong.append(repr(problem))

    def shared(self):
        return f"shared:{self.random.randrange(SHARED)}"

    def strata(self, *words, may_be_killed=True):
        """Output of a command that did its work; None if it was killed or others were faster."""
        engine = self.case.strata()
        started = time.monotonic()
        process = engine.popen(*words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            if may_be_killed and self.random.random() < KILLED:
                process.wait(self.random.expovariate(30))
        except subprocess.TimeoutExpired:
            process.kill()
        out, err = (text.decode(errors="replace") for text in process.communicate(timeout=5 * PATIENCE))
        self.longest = max(self.longest, time.monotonic() - started)
        if process.returncode == 0:
            self.done += 1
            return out.strip()
        if process.returncode == -9:
            self.killed += 1
        elif LOST.search(err):
            self.lost += 1
        else:
            self.wrong.append(f"{' '.join(words)}: exit status {process.returncode}\n{out}\n{err}")
        return None

    def build_kept(self):
        tag = f"kept-{self.number}:{len(self.kept) % 4}"
        built = self.strata("build", "-q", "--label", f"x={self.random.random()}", "-t", tag, self.case.path("small"))
        if built:
            self.kept[tag] = built
        else:  # it may have been killed before or after it got its name
            self.kept.pop(tag, None)

    def build_shared(self):
        folder = self.random.choice(("small", "small", "other", "run"))
        self.strata("build", "-q", "--network", "none", "-t", self.shared(), self.case.path(folder))

    def tag(self):
        self.strata("tag", self.shared(), self.shared())

    def load(self):
        self.strata("load", "-q", "-i", self.case.path(self.random.choice(("one.tar", "two.tar"))))

    def create(self):
        self.strata("create", "--pull", "never", "--name", f"box-{self.random.randrange(SHARED)}", self.shared(), "true")

    def remove_container(self):
        self.strata("rm", "-f", f"box-{self.random.randrange(SHARED)}")

    def commit(self):
        self.strata("commit", f"box-{self.random.randrange(SHARED)}", self.shared())

    def remove_image(self):
        self.strata("rmi", *self.random.choice(((), ("-f",))), self.random.choice((self.shared(), "loaded:1", "loaded:2")))

    def run_container(self):
        self.strata("run", "--rm", "--pull", "never", "--network", "none", self.shared(), "true", may_be_killed=False)

    def prune(self):
        self.strata(*self.random.choice((("image", "prune", "-f"), ("system", "prune", "-f"))))

    def look(self):
        self.strata(*self.random.choice((("images", "-a"), ("ps", "-a"), ("system", "df"), ("history", self.shared()))))


class ConcurrencyTest(StoreCase):
    def setUp(self):
        super().setUp()
        shutil.rmtree(self.folder)
        self.folder = os.path.join(IN_MEMORY, os.path.basename(self.folder))
        os.mkdir(self.folder, 0o700)
        engine = self.strata()
        with tarfile.open(self.path("base.tar"), "w") as tar:
            for folder in ("bin", "dev", "etc", "proc", "sys", "tmp"):
                rootfs.add(tar, folder, tarfile.DIRTYPE)
            with open(rootfs.BUSYBOX, "rb") as file:
                rootfs.add_file(tar, "bin/busybox", file.read(), 0o755)
            for applet in ("sh", "true"):
                rootfs.add(tar, "bin/" + applet, tarfile.SYMTYPE, 0o777, "busybox")
        self.base = engine("import", self.path("base.tar"), "base:1")
        self.context({"Dockerfile": "FROM base:1\nCOPY a /a\nENV b=c\nCOPY d /d\n", "a": "a" * 9000, "d": "d"}, "small")
        self.context({"Dockerfile": "FROM base:1\nCOPY a /a\nCOPY e /e\n", "a": "a" * 9000, "e": "e"}, "other")
        self.context({"Dockerfile": "FROM base:1\nRUN echo x > /x\n"}, "run")
        for number, name in ((1, "one"), (2, "two")):
            self.context({"Dockerfile": f"FROM base:1\nCOPY f /f\nLABEL n={number}\n", "f": "f" * 5000 * number}, name)
            engine("build", "-q", "-t", f"loaded:{number}", self.path(name))
            engine("save", "-o", self.path(name + ".tar"), f"loaded:{number}")

    def test_random_commands_and_kills_lose_no_image_and_leave_no_lock(self):
        workers = [Worker(self, number) for number in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        total = {name: sum(getattr(worker, name) for worker in workers) for name in ("done", "killed", "lost")}
        print(total, f"longest {max(worker.longest for worker in workers):.1f} s")
        self.assertEqual([text for worker in workers for text in worker.wrong], [])
        processes.end_those_naming(self.folder, 1)  # containers whose `run` or `build` was killed
        mounts.unmount_below(self.folder)
        self.assert_every_kept_image_is_there(workers)
        self.assert_the_next_write_ends_dead_leases()
        self.assert_no_lock_is_held()
        self.assert_sound_and_then_clean()

    def assert_every_kept_image_is_there(self, workers):
        tags = self.store().tags()
        for worker in workers:
            for tag, image in worker.kept.items():
                self.assertEqual("sha256:" + tags.get(tag, ""), image, tag)
        self.assertEqual("sha256:" + tags["base:1"], self.base)

    def assert_the_next_write_ends_dead_leases(self):
        self.strata()("tag", "base:1", "base:2")
        self.assertEqual(os.listdir(self.store().path("strata/leases")), [])

    def assert_no_lock_is_held(self):
        for name in ("strata/lock", "strata/removal.lock", "strata/references.lock", "volumes/metadata.db"):
            with open(self.store().path(name), "rb+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def assert_sound_and_then_clean(self):
        engine = self.strata()
        looked = engine.run("check")
        self.assertTrue(looked.code <= 1 and "damaged " not in looked.out, str(looked))
        repaired = engine.run("check", "--repair")
        self.assertLessEqual(repaired.code, 1, str(repaired))
        again = engine.run("check")
        self.assertEqual(again.code, 0, f"{repaired}\n{again}")
        self.assert_store_sound()


if __name__ == "__main__":
    unittest.main()
