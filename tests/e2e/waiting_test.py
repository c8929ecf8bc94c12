"""No process waits longer for another one than the publication of a name takes, whatever that one is doing.

A command is stopped at one of its points (tests/faults/faults.cc). Either it holds no lock then that others want: they
do all their work while it stands still. Or it does: then it is publishing or removing names, which takes as many steps
for a large image as for a small one.
"""
import os
import re
import shutil
import unittest

from tests.support import faults, rootfs
from tests.support.case import IN_MEMORY, StoreCase

STEP = int(os.environ.get("STRATA_CRASH_STEP", "0"))
# What a process has for as long as it works, and no other process asks for: the right to write, shared with all writers
# (dockerd's lock and ours), its own lease, the record of its own container, the blob that it fetches.
OWN = re.compile(r"volumes/metadata\.db READ|strata/lock READ|strata/leases/.* WRITE|containers/.* WRITE|strata/blobs/.*|strata/run-.* WRITE"
                 r"|strata/steps/.*|strata/memo/.*|strata/containers/[0-9a-f]{64}.*")


class WaitingTest(StoreCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.binary = faults.program()
        self.engine = self.strata("sound")
        rootfs.busybox(self.path("base.tar"))
        self.engine("import", self.path("base.tar"), "base:1")
        for name, files in (("small", 4), ("large", 120)):
            self.context({"Dockerfile": "FROM base:1\nCOPY d /d\nRUN echo x > /x\n", **{f"d/{n}": "x" * 3000 for n in range(files)}}, name)
            self.context({"Dockerfile": "FROM base:1\nCOPY d /e\nLABEL a=b\n", **{f"d/{n}": f"{n}" * 3000 for n in range(files)}}, "saved-" + name)
            saved = self.strata("elsewhere-" + name)
            saved("import", self.path("base.tar"), "base:1")
            saved("build", "-q", "-t", f"loaded-{name}:1", self.path("saved-" + name))
            saved("save", "-o", self.path(name + ".tar"), f"loaded-{name}:1")
        self.context({"Dockerfile": "FROM base:1\nCOPY f /f\n", "f": "f"}, "other")
        self.engine("create", "--name", "box", "base:1", "true")

    def commands(self, size):
        return {"build": ("build", "-q", "--network", "none", "-t", "new:1", self.path(size)), "load": ("load", "-q", "-i", self.path(size + ".tar")),
                "commit": ("commit", "box", "new:1"), "rmi": ("rmi", f"loaded-{size}:1"), "create": ("create", "--name", "new", "base:1", "true")}

    def fresh(self, load=""):
        shutil.rmtree(self.path("store"), ignore_errors=True)
        shutil.copytree(self.path("sound"), self.path("store"), symlinks=True)
        engine = self.strata()
        if load:
            engine("load", "-q", "-i", load)
        return engine

    def held(self, stopped):
        """The locks of the store that others may want, by name."""
        names = {}
        for where, _, files in os.walk(self.path("store")):
            for name in files:
                path = os.path.join(where, name)
                names.setdefault(os.lstat(path).st_ino, os.path.relpath(path, self.path("store")))
        all_locks = {f"{names[inode]} {mode}" for inode, mode in stopped.locks() if inode in names}
        return {lock for lock in all_locks if not OWN.fullmatch(lock)}

    def assert_others_do_their_work(self, engine, number):
        for words in (("images", "-a"), ("tag", "base:1", f"probe-{number}:1"), ("build", "-q", "-t", f"probe-{number}:2", self.path("other")),
                      ("create", "--name", f"probe-{number}", "base:1", "true"), ("rm", f"probe-{number}"),
                      ("rmi", f"probe-{number}:1", f"probe-{number}:2")):
            engine(*words, timeout=60)

    def windows(self, name, size, step, inside_step):
        """How many points the command has, and those where it holds a lock; at each step-th of the others the others do their work."""
        load = self.path(size + ".tar") if name == "rmi" else ""
        self.fresh(load)
        words = self.commands(size)[name]
        found = faults.points(self.binary, self.path("store"), words, self.path(f"{name}-{size}.log"))
        # A lock is taken and given back between two points of names: only those need to be looked at one by one.
        inside = [at for at, line in enumerate(found, 1) if re.search(r"repositories\.json|references\.lock|removal\.lock|leftovers|-removing|imagedb|leases|"
                                                                     r"metadata|content/sha256|layerdb/sha256|pins/|used/|mounts/|unsynced", line)]
        rest = [at for at in range(1, len(found) + 1) if at not in inside]
        held = {}
        for at in sorted({*inside[::inside_step], *rest[::step]}):
            engine = self.fresh(load)
            stopped = faults.Stopped(self.binary, self.path("store"), words, at)
            try:
                locks = self.held(stopped)
                if locks:
                    held[stopped.point] = locks
                else:
                    self.assert_others_do_their_work(engine, at)
            finally:
                result = stopped.finish()
            self.assertEqual(result.code, 0, str(result))
        return len(found), held

    def test_others_work_while_a_command_stands_still_or_it_is_at_a_name(self):
        for name in self.commands("small"):
            points, held = self.windows(name, "small", STEP or 40, 1 if STEP == 1 else 5)
            print(f"{name}: {points} points, {len(held)} of those tried hold a lock: {sorted(set().union(*held.values()))}")
            for point, locks in held.items():
                self.assertTrue(locks <= {"strata/references.lock WRITE", "strata/removal.lock READ", "strata/removal.lock WRITE",
                                          "strata/distribution.lock WRITE", "strata/containers/names.lock WRITE"}, f"{point}: {locks}")
                # Nothing whose length depends on an image is done there: no file of a layer is made, read or removed.
                self.assertNotRegex(point, r"^\d+ (copy_file_range|linkat|mknodat|symlinkat|setxattr|fchown|mount|umount2|syncfs) ", f"{name} holds {locks}")

    def test_a_large_image_is_published_as_fast_as_a_small_one(self):
        for name in ("load", "rmi"):
            (few, small), (many, large) = (self.windows(name, size, 1 if STEP == 1 else 40, 1) for size in ("small", "large"))
            self.assertGreater(many, few)
            kinds = [sorted({re.sub(r"\d+ (\w+) .*", r"\1", point) for point in held}) for held in (small, large)]
            print(f"{name}: {len(small)} points of {few} hold a lock, {len(large)} of {many}: {kinds[0]}")
            self.assertEqual(kinds[0], kinds[1], name)


if __name__ == "__main__":
    unittest.main()
