"""What removals leave: layers that others need, nothing that nobody needs, and a sound store also after a crash or a race."""
import os
import random
import re
import signal
import subprocess
import time
import unittest

from tests.support import rootfs, sample
from tests.support.case import PATIENCE, StoreCase

IMAGE = "busybox:test"


class RmiCase(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()

    def import_busybox(self, name=IMAGE):
        path = self.path("base.tar")
        if not os.path.exists(path):
            rootfs.busybox(path)
        return self.engine("import", path, name)

    def build(self, dockerfile, tag, *flags, files=None):
        self.engine("build", "-q", "--network", "none", "-t", tag, *flags, self.context({"Dockerfile": dockerfile, **(files or {})}, tag.replace(":", "-")))

    def assert_empty(self):
        store = self.store()
        self.assertEqual((store.image_ids(), store.layer_ids(), store.cache_ids(), os.listdir(store.path("overlay2/l"))), ([], [], [], []))
        self.assertEqual(store.tags(), {})
        self.assertEqual(os.listdir(store.path("image/overlay2/imagedb/metadata/sha256")), [])
        self.assertEqual(os.listdir(store.path("image/overlay2/layerdb/tmp")), [])

    def assert_sound(self):
        self.assert_store_sound("store", "--expect-clean")


class RemoveTest(RmiCase):
    def test_the_whole_sample_image_goes_step_by_step_and_nothing_is_left(self):
        sample.build(self, self.engine)
        images, layers = self.store().image_ids(), self.store().layer_ids()
        self.engine("rmi", sample.BASE)
        out = self.engine("rmi", "sample:1").splitlines()
        self.assertEqual(out[0], "Untagged: sample:1")
        self.assertEqual(sorted(out[1:]), sorted(f"Deleted: sha256:{name}" for name in images + layers))
        self.assert_empty()
        self.assert_sound()

    def test_hard_linked_files_of_other_layers_stay(self):
        self.import_busybox()
        folder = self.context({"big": "x" * 300_000, "1": f"FROM {IMAGE}\nCOPY big 1 /\n", "2": f"FROM {IMAGE}\nCOPY big 2 /\n"})
        for name, tag in (("1", "one:1"), ("2", "two:1")):
            self.engine("build", "-q", "-t", tag, "-f", os.path.join(folder, name), folder)
        self.engine("rmi", "one:1")
        self.assertEqual(self.engine("run", "--rm", "--network", "none", "two:1", "sh", "-c", "wc -c < /big"), "300000")
        self.assert_sound()
        self.engine("rmi", "two:1", IMAGE)
        self.assert_empty()

    def test_layers_of_a_container_stay_until_it_is_removed(self):
        self.import_busybox()
        self.engine("create", "--name", "c1", IMAGE, "cat", "/etc/passwd")
        self.engine("create", "--name", "c2", IMAGE, "true")
        self.assertEqual(self.engine.run("rmi", IMAGE).code, 1)
        self.assertNotIn("Deleted: " + "sha256:" + self.store().layer_ids()[0], self.engine("rmi", "-f", IMAGE))
        self.assertIn("bob", self.engine("start", "-a", "c1") or self.engine("logs", "c1"))
        self.engine("rm", "c2")
        self.assertEqual(len(self.store().layer_ids()), 1)
        self.engine("rm", "c1")
        self.assert_empty()
        self.assert_sound()

    def test_a_container_in_the_foreground_holds_nobody_up(self):
        self.import_busybox()
        self.build(f"FROM {IMAGE}\nLABEL a=b\nCOPY f /f\n", "other:1", files={"f": "f"})
        process = self.engine.popen("run", "--rm", "--network", "none", "--name", "web", IMAGE, "sleep", "1000")
        try:
            self.wait_until(lambda: "web" in self.engine("ps", "--format", "{{.Names}}"), "the container")
            self.assertEqual(self.engine.run("rmi", "other:1", timeout=PATIENCE).code, 0)
            image = self.engine("images", "-q", IMAGE)
            result = self.engine.run("rmi", "-f", image, timeout=PATIENCE)
            self.assertEqual(result.code, 1)
            self.assertRegex(result.err, r"^Error response from daemon: conflict: unable to delete \w{12} \(cannot be forced\) - "
                             r"image is being used by running container \w{12}\n$")
        finally:
            self.engine.run("rm", "-f", "web")
            process.wait(PATIENCE)
        self.engine("rmi", IMAGE)
        self.assert_empty()

    def test_disk_usage_tells_what_links_save_and_what_is_lost(self):
        self.import_busybox()
        folder = self.context({"big": "x" * 1_000_000, "1": f"FROM {IMAGE}\nCOPY big 1 /\n", "2": f"FROM {IMAGE}\nCOPY big 2 /\n"})
        for name in "12":
            self.engine("build", "-q", "-t", name + ":1", "-f", os.path.join(folder, name), folder)
        last = self.engine("system", "df", "-v").split("\nLayers on disk:\n\n")[1].splitlines()
        self.assertEqual(re.split("  +", last[0]), ["ON DISK", "SAVED BY LINKS", "UNREACHABLE"])
        on_disk, saved, lost = re.split("  +", last[1])
        self.assertEqual((saved, lost), ("1.004MB", "0B"))
        os.makedirs(self.store().path("overlay2/" + "0" * 64 + "/diff"))
        self.assertNotIn("   0B", self.engine("system", "df", "-v").split("\nLayers on disk:\n\n")[1])
        self.engine("system", "prune", "-f")
        self.assertNotIn("0" * 64, self.store().cache_ids())
        self.assert_sound()


class CrashTest(RmiCase):
    def test_a_removal_that_is_killed_leaves_a_sound_store(self):
        self.import_busybox()
        dockerfile = f"FROM {IMAGE}\n" + "".join(f"COPY d{i} /d{i}\n" for i in range(8))
        files = {f"d{i}/f{j}": f"{i} {j}\n" for i in range(8) for j in range(60)}
        for attempt in range(12):
            self.build(dockerfile, "app:1", files=files)
            process = self.engine.popen("rmi", "app:1", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0.0, 0.06))
            process.send_signal(signal.SIGKILL)
            process.wait()
            for name in self.engine("images", "-q", "--no-trunc").split():
                self.engine("image", "inspect", name)
            self.assertNotIn("missing", self.engine.run("images").err)
        self.engine("system", "prune", "-f")
        self.assert_sound()
        self.engine("rmi", IMAGE)
        self.engine.run("rmi", "app:1")
        self.engine("system", "prune", "-a", "-f")
        self.assert_empty()


class RaceTest(RmiCase):
    def test_a_build_goes_on_when_its_base_is_removed(self):
        self.import_busybox()
        folder = self.context({"Dockerfile": f"FROM {IMAGE}\nRUN sleep {self.mark}; echo 1 > /one\nRUN echo 2 > /two\n"})
        process = self.engine.popen("build", "-q", "--network", "none", "-t", "app:1", folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        sleeper = self.wait_for_process("sleep", self.mark)
        removed = self.engine("rmi", IMAGE)
        self.assertNotIn("sha256:" + self.store().layer_ids()[0], removed)
        os.kill(sleeper, signal.SIGKILL)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(self.engine("run", "--rm", "--network", "none", "app:1", "cat", "/one", "/two"), "1\n2")
        self.assert_sound()
        self.engine("rmi", "app:1")
        self.assert_empty()

    def test_a_look_at_an_image_that_is_removed_meanwhile(self):
        """At every moment of the look, which is slowed down: it says what there was, or that there is no such image."""
        self.build("FROM scratch\nCOPY a /a\nCOPY b /b\n", "app:1", files={"a": "a", "b": "b"})
        archive = self.path("app.tar")
        self.engine("save", "-o", archive, "app:1")
        for words in (("history", "app:1"), ("layers", "app:1"), ("image", "inspect", "app:1")):
            gone, is_whole = 0, False
            while not is_whole:
                self.engine("load", "-q", "-i", archive)
                look = self.look_slowly(3000, *words)
                time.sleep(0.01 * gone)
                self.engine("rmi", "app:1")
                error = look.communicate(timeout=PATIENCE)[1]
                is_whole = look.returncode == 0
                if not is_whole:
                    self.assertRegex(error, "No such image: app:1\n$", f"{words} after {gone} / 100 s")
                    gone += 1
                self.assertLess(gone, 100 * PATIENCE, words)
            self.assertGreater(gone, 1, words)

    def test_a_list_of_containers_of_which_one_is_removed_meanwhile(self):
        """While what its layer stands on is read, a file every tenth of a second."""
        self.build("FROM scratch\nCOPY a /a\n", "app:1", files={"a": "a"})
        for words in (("ps", "-a", "-s"), ("system", "df")):
            moments, has_ended = 0, False
            while not has_ended:
                container = self.engine("create", "--name", "box", "app:1", "x")
                look = self.look_slowly(100000, *words, only=self.store().path("image/overlay2/layerdb/mounts", container))
                time.sleep(0.04 * moments)
                has_ended = look.poll() is not None
                self.engine("rm", "box")
                error = look.communicate(timeout=PATIENCE)[1]
                self.assertEqual((look.returncode, error), (0, ""), f"{words} after {4 * moments} / 100 s")
                moments += 1
                self.assertLess(moments, 25 * PATIENCE, words)
            self.assertGreater(moments, 7, words)

    def look_slowly(self, delay, *words, only=None):
        """With so many microseconds before each file that is opened, or only those of one directory."""
        return subprocess.Popen(["strace", "-f", "-qq", "-e", "signal=none", "-o", "/dev/null", "-e", "trace=openat", "-e", f"inject=openat:delay_enter={delay}",
                                 *(("-P", only) if only else ()), *self.engine.command(), *words],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def test_imports_builds_and_removals_at_once(self):
        self.import_busybox()
        folder = self.context({"Dockerfile": f"FROM {IMAGE}\nCOPY f /f\nENV A=1\nCOPY g /g\n", "f": "f\n", "g": "g\n"})
        begin, enough = time.monotonic(), 20  # of commands that did their work
        makers = [lambda i: ("build", "-q", "--no-cache", "-t", f"app:{i}", folder), lambda i: ("import", self.path("base.tar"), IMAGE),
                  lambda i: ("build", "-q", "-t", f"app:{i}", folder), lambda i: ("create", f"app:{i}", "true")]
        removers = [lambda i: ("rmi", f"app:{i}"), lambda i: ("rmi", "-f", IMAGE), lambda i: ("image", "prune", "-a", "-f"),
                    lambda i: ("container", "prune", "-f")]
        running, seen = [], 0
        while (go_on := time.monotonic() - begin < (12 if seen > enough else PATIENCE)) or running:
            for process in list(running):
                if process.poll() is None:
                    continue
                running.remove(process)
                error = process.stderr.read().decode()
                process.stderr.close()
                self.assertNotRegex(error, "no layer|Corrupt|damaged|internal", " ".join(process.args))
                seen += process.returncode == 0
            if go_on and len(running) < 6:
                words = random.choice(random.choice((makers, removers)))(random.randrange(3))
                running.append(self.engine.popen(*words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
            time.sleep(0.002)
        self.assertGreater(seen, enough)
        self.assert_store_sound("store")
        self.engine("container", "prune", "-f")
        self.engine("image", "prune", "-a", "-f")
        self.engine("system", "prune", "-a", "-f")
        self.assert_empty()
        self.assertEqual(os.listdir(self.store().path("strata/leases")), [])


if __name__ == "__main__":
    unittest.main()
