"""Ctrl-C and SIGTERM at any moment: the container and the mounts of the step are gone, nothing half-made is visible."""
import os
import signal
import subprocess
import time
import unittest

from tests.support import mounts, processes, rootfs, sample
from tests.support.case import PATIENCE, StoreCase
from tests.support.pipes import is_empty

FROM = f"FROM {sample.BASE}\n"


class Signals(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)

    def start(self, *arguments):
        """The command in a session of its own, as a shell starts it in the foreground; output goes to a file."""
        self.output = self.path("output")
        with open(self.output, "wb") as output:
            process = self.engine.popen(*arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        self.addCleanup(lambda: process.poll() is None and (process.kill(), process.wait()))
        return process

    def said(self):
        with open(self.output, errors="replace") as file:
            return file.read()

    def wait_until_said(self, text):
        try:
            self.wait_until(lambda: text in self.said(), text)
        except AssertionError as late:
            self.fail(f"{late}: {self.said()}")

    def assert_stopped(self, process):
        """It ended by itself, and nothing of it is left."""
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.fail(f"still running: {self.said()}")
        self.assertNotEqual(code, 0, self.said())
        self.assertEqual(mounts.below(self.folder), [])
        self.assertEqual(processes.naming("sleep\0" + self.mark), [])
        self.assert_store_sound("store", "--expect-clean")
        return code

    def test_in_the_middle_of_a_run_step(self):
        dockerfile = FROM + f"RUN echo done > /first\nRUN echo half > /second; echo started; sleep {self.mark}\n"
        folder = self.context({"Dockerfile": dockerfile})
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                process = self.start("build", "--network", "none", "-t", "cut:1", folder)
                self.wait_until_said("started")
                process.send_signal(number)
                self.assert_stopped(process)
                self.assertEqual(self.store().container_ids(), [])
                self.assertNotIn("cut:1", self.store().tags())
                self.assertEqual(len(self.store().image_ids()), 2, "the base and the first step")
        self.finish_the_build(folder, dockerfile)

    def finish_the_build(self, folder, dockerfile):
        self.context({"Dockerfile": dockerfile.replace(f"sleep {self.mark}", "true")})
        output = self.engine("build", "--network", "none", "-t", "cut:1", folder)
        self.assertIn(" ---> Using cache", output)
        self.assertEqual(self.engine("run", "--rm", "--network", "none", "cut:1", "cat", "/first", "/second"), "done\nhalf")

    def test_to_the_whole_group_as_a_terminal_does(self):
        folder = self.context({"Dockerfile": FROM + f"RUN trap '' INT; echo started; sleep {self.mark}\n"})
        process = self.start("build", "--network", "none", "-t", "cut:1", folder)
        self.wait_until_said("started")
        os.killpg(process.pid, signal.SIGINT)
        self.assert_stopped(process)

    def test_in_the_middle_of_a_copy(self):
        folder = self.context({"Dockerfile": FROM + "COPY many /many\n", "many/": None})
        for number in range(20_000):
            with open(os.path.join(folder, f"many/{number}"), "w") as file:
                file.write(str(number))
        images, caches = self.store().image_ids(), set(self.store().cache_ids())

        def copied():
            """How many files there are of the layer that is being made."""
            folders = [self.store().path("overlay2", cache, "diff/many") for cache in set(self.store().cache_ids()) - caches]
            return sum(len(os.listdir(folder)) for folder in folders if os.path.isdir(folder))

        for part in (1, 1000, 4000):
            with self.subTest(part):
                process = self.start("build", "--network", "none", "-t", "cut:1", folder)
                while copied() < part:
                    self.assertIsNone(process.poll(), self.said())
                process.send_signal(signal.SIGTERM)
                self.assert_stopped(process)
                self.assertEqual(self.store().image_ids(), images)

    def test_in_the_middle_of_an_import(self):
        reading, writing = os.pipe()
        process = self.engine.popen("import", "-", "cut:1", stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(reading)
        with open(self.path("base.tar"), "rb") as file, os.fdopen(writing, "wb") as pipe:
            pipe.write(file.read(1_000_000))
            pipe.flush()
            self.wait_until(lambda: is_empty(pipe), "all of it to be read")
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=PATIENCE)
        self.assertNotEqual(process.returncode, 0, said)
        self.assertNotIn("cut:1", self.store().tags())
        self.assert_store_sound("store", "--expect-clean")

    def test_run_hands_them_to_the_container(self):
        script = "trap 'echo told; exit 7' TERM INT; echo started; while :; do sleep 0.05; done"
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                process = self.start("run", "--rm", "--network", "none", sample.BASE, "sh", "-c", script)
                self.wait_until_said("started")
                process.send_signal(number)
                self.assertEqual(self.assert_stopped(process), 7)
                self.assertIn("told", self.said())
                self.assertEqual(self.store().container_ids(), [])

    def test_stop_kills_what_does_not_listen(self):
        self.engine("run", "-d", "--name", "deaf", "--network", "none", sample.BASE, "sh", "-c", f"trap '' TERM; sleep {self.mark}; true")
        started = time.monotonic()
        self.engine("stop", "-t", "1", "deaf")
        self.assertLess(time.monotonic() - started, PATIENCE)
        self.assertEqual(self.engine("wait", "deaf"), "137")
        self.engine("rm", "deaf")
        self.assertEqual(self.store().container_ids(), [])


if __name__ == "__main__":
    unittest.main()
