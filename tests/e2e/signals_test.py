"""Ctrl-C and SIGTERM at any moment: the container and the mounts of the step are gone, nothing half-made is visible."""
import os
import signal
import subprocess
import time
import unittest

from tests.support import mounts, processes, rootfs, sample
from tests.support.case import StoreCase

FROM = f"FROM {sample.BASE}\n"
PATIENCE = 20  # seconds in which a stopped command must have ended


class Signals(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)
        self.mark = f"{os.getpid()}{int(time.time())}"  # seconds to sleep that no other process of the machine has

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

    def wait_until(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"waited for {what}: {self.said()}")
            time.sleep(0.005)

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
                self.wait_until(lambda: "started" in self.said(), "the step")
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
        self.wait_until(lambda: "started" in self.said(), "the step")
        os.killpg(process.pid, signal.SIGINT)
        self.assert_stopped(process)

    def test_in_the_middle_of_a_copy(self):
        folder = self.context({"Dockerfile": FROM + "COPY many /many\n", "many/": None})
        for number in range(20_000):
            with open(os.path.join(folder, f"many/{number}"), "w") as file:
                file.write(str(number))
        images = self.store().image_ids()
        for delay in (0.02, 0.1, 0.2):
            with self.subTest(delay):
                process = self.start("build", "--network", "none", "-t", "cut:1", folder)
                self.wait_until(lambda: "Step 2/2" in self.said(), "the step")
                time.sleep(delay)
                process.send_signal(signal.SIGTERM)
                if process.wait(PATIENCE) == 0:
                    self.assertIn("cut:1", self.store().tags())
                    continue  # the build was faster than the signal, and is whole
                self.assert_stopped(process)
                self.assertEqual(self.store().image_ids(), images)

    def test_in_the_middle_of_an_import(self):
        reading, writing = os.pipe()
        process = self.engine.popen("import", "-", "cut:1", stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(reading)
        with open(self.path("base.tar"), "rb") as file, os.fdopen(writing, "wb") as pipe:
            pipe.write(file.read(1_000_000))
            pipe.flush()
            time.sleep(0.2)
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
                self.wait_until(lambda: "started" in self.said(), "the container")
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
