"""What dead processes leave is found by the next write without a look through the store: it costs the same however much is there."""
import os
import re
import shutil
import subprocess
import unittest

from tests.support import faults, mounts
from tests.support.case import IN_MEMORY, StoreCase


class LeftoversTest(StoreCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.binary = faults.program()
        self.engine = self.strata()
        self.context({"Dockerfile": "FROM scratch\nCOPY d /d\nCOPY e /e\n", **{f"d/{n}": "x" * n for n in range(20)}, "e": "e"}, "dying")
        self.image(0)

    def image(self, number):
        folder = self.context({"Dockerfile": f"FROM scratch\nCOPY f /f\nLABEL n={number}\n", "f": f"{number}\n"}, "filling")
        self.engine("build", "-q", "-t", f"image:{number}", folder)
        self.engine("create", "--name", f"box-{number}", f"image:{number}", "/f")

    def die(self):
        """A build is killed when something of it lies in overlay2/ that nobody else knows. What it left there."""
        words = ("build", "-q", "--no-cache", "-t", "never:1", self.path("dying"))
        subprocess.run(["cp", "-a", self.store().root, self.path("counted")], check=True)
        log = self.path("points.log")
        found = faults.points(self.binary, self.path("counted"), words, log)
        shutil.rmtree(self.path("counted"))
        os.unlink(log)
        before = set(self.store().cache_ids())
        # Its threads do not always come in the same order.
        for at in range(len(found) // 2, len(found) // 2 + 20):
            faults.Faulty(self.store().root, self.binary, faults.KILL, at).run(*words)
            mounts.unmount_below(self.store().root)
            left = set(self.store().cache_ids()) - before - self.named_caches()
            if left:
                return left
        self.fail("nothing is left of a build that is killed half-way")

    def looks(self, *words):
        """How many directories a command lists, and how many files and directories it opens."""
        trace = self.path("trace")
        subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=getdents64,openat,openat2", *self.engine.command(), *words], check=True,
                       stdout=subprocess.DEVNULL)
        with open(trace) as file:
            text = file.read()
        listed = {(pid, fd) for pid, fd in re.findall(r"^(\d+) +getdents64\((\d+)", text, re.M)}
        return len(listed), len(re.findall(r"openat2?\(", text))

    def test_the_next_write_finds_them_and_reads_the_same_in_a_large_store(self):
        self.engine("tag", "image:0", "second:1")
        costs = []
        for more in (0, 40):
            for number in range(1, 1 + more):
                self.image(number)
            peace = self.looks("tag", "image:0", "second:1")
            left = self.die()
            cost = self.looks("tag", "image:0", "second:1")
            costs.append((peace, cost))
            self.assertEqual(left & set(self.store().cache_ids()), set(), "still there after the next write")
            self.assertEqual(os.listdir(self.store().path("strata/leases")), [])
        print(f"listed and opened in peace, with leftovers: {costs}")
        # Where exactly the threads of a build were when it died makes a few files more or less; a look through 40 images and
        # containers would be hundreds.
        for small, large in zip(*costs):
            self.assertLess(large[0] - small[0], 5)
            self.assertLess(large[1] - small[1], 30)

    def named_caches(self):
        """Layers that the dead one had published go with the next removal, which looks at just those."""
        store = self.store()
        return {store.text("image/overlay2/layerdb/sha256", chain, "cache-id") for chain in store.layer_ids()}

    def test_the_next_prune_takes_the_steps_that_it_had_published(self):
        layers = set(self.store().layer_ids())
        self.die()
        self.engine("tag", "image:0", "second:1")
        self.engine("image", "prune", "-f")
        self.assertEqual(set(self.store().layer_ids()), layers)
        self.engine("system", "prune", "-f")  # half a config, which is no image yet, is found by a look through the store alone
        self.assertEqual(set(self.store().layer_ids()), layers)
        looked = self.engine.run("check")
        self.assertEqual(looked.code, 0, str(looked))


if __name__ == "__main__":
    unittest.main()
