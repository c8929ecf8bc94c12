"""Where a build ends: docker's limits, large and odd inputs, a full disk, killed steps, what disappears under it.

Whatever fails: one clear line, docker's exit status, nothing half-made, and what came before is cached.
"""
import os
import signal
import subprocess
import threading
import time
import unittest

from tests.support import rootfs, sample
from tests.support.case import IN_MEMORY, PATIENCE, StoreCase

FROM = f"FROM {sample.BASE}\n"
MANY_FILES = int(os.environ.get("STRATA_TEST_FILES", "20000"))  # by hand also with 200000


class Case(StoreCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.engine = self.strata()

    def use_busybox(self):
        self.engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)

    def run_build(self, dockerfile, *options, files=(), tag="t:1"):
        folder = self.context({"Dockerfile": dockerfile, **dict(files)})
        return self.engine.run("build", "--network", "none", "-t", tag, *options, folder)

    def build(self, dockerfile, *options, **more):
        result = self.run_build(dockerfile, *options, **more)
        self.assertEqual((result.code, result.err), (0, ""), result)
        return result.out

    def assert_fails(self, dockerfile, code, message, *options, cached, files=()):
        """Twice with one line of error, `message` (a regex); `cached` steps are not done again."""
        for _ in range(2):
            result = self.run_build(dockerfile, *options, files=files, tag="bad:1")
            self.assertEqual((result.code, len(result.err.splitlines())), (code, 1), result)
            self.assertRegex(result.err, message)
            self.assertNotIn("bad:1", self.store().tags())
            self.assert_store_sound("store", "--expect-clean")
        self.assertEqual(result.out.count(" ---> Using cache"), cached, result)
        return result

    def layers(self, tag="t:1"):
        return self.engine("image", "inspect", "--format", "{{len .RootFS.Layers}}", tag)


class Sizes(Case):
    def test_125_layers_and_no_more(self):
        files = {f"f{i}": str(i) for i in range(127)}
        copies = "".join(f"COPY f{i} /\n" for i in range(124))
        self.use_busybox()
        self.build(FROM + copies, files=files)
        self.assertEqual(self.layers(), "125")
        self.build(FROM + copies + "RUN test -e /f0 -a -e /f123\nENV A=1\nRUN true\n")  # no layers
        self.assertEqual(self.layers(), "125")
        self.build(FROM + copies + "RUN true\n" * 3 + "WORKDIR /\nRUN rm -f /nothing\n" * 2)
        for step in ("RUN touch /x\n", "WORKDIR /new\n", "ADD f124 /y\n"):
            self.assertEqual(self.run_build(FROM + copies + step, tag="bad:1").err, "max depth exceeded\n")
        for step in ("COPY f124 /\n",):
            result = self.assert_fails(FROM + copies + step, 1, "^max depth exceeded$", cached=124)
            self.assertRegex(result.out, f"Step 126/126 : {step}(?! ---> [0-9a-f])", "the step is named, and has no image")
        self.assertEqual(self.engine("run", "--rm", "--network", "none", "t:1", "cat", "/f0", "/f123"), "0123")

    def test_steps_that_change_nothing_are_no_layers(self):
        self.use_busybox()
        self.build(FROM + "RUN true\n" * 130 + "RUN echo x > /x\n")
        self.assertEqual(self.layers(), "2")

    def test_a_dockerfile_of_ten_thousand_lines(self):
        self.use_busybox()
        lines = "".join(f"# {i}\n" for i in range(3500)) + FROM + "".join(f"ENV V{i}={i}\n" for i in range(400))
        lines += "RUN set -e; \\\n" + "".join(f"  : {i}; \\\n  # {i}\n" for i in range(3000)) + "  echo $V399 > /last\n"
        lines += "\n" * (10_000 - lines.count("\n"))
        self.assertEqual(lines.count("\n"), 10_000)
        self.build(lines)
        self.assertEqual(self.engine("cat", "t:1", "/last"), "399")
        self.assertEqual(self.build(lines).count("Using cache"), 401)
        result = self.run_build(lines + "FOO\n")
        self.assertEqual(result.err, "Error response from daemon: dockerfile parse error line 10001: unknown instruction: FOO\n")

    def test_a_line_of_64_KiB(self):
        self.use_busybox()
        line = "RUN echo " + "x" * (65_535 - len("RUN echo  > /l")) + " > /l"
        self.assertEqual(len(line), 65_535)
        self.build(FROM + line + "\n")
        self.assertEqual(len(self.engine("cat", "t:1", "/l")), 65_535 - len("RUN echo  > /l"))
        result = self.run_build(FROM + line + "l\n")
        self.assertEqual((result.code, result.err), (1, "Error response from daemon: failed to parse Dockerfile: dockerfile line greater than max allowed size of 65535\n"))

    def test_a_context_of_many_files(self):
        folder = self.context({"Dockerfile": "FROM scratch\nCOPY . /c\n"})
        for number in range(MANY_FILES):
            if number % 1000 == 0:
                os.mkdir(os.path.join(folder, f"d{number}"))
            with open(os.path.join(folder, f"d{number // 1000 * 1000}/{number}"), "w") as file:
                file.write(str(number))
        self.engine("build", "-t", "t:1", folder)
        last = f"/c/d{(MANY_FILES - 1) // 1000 * 1000}/{MANY_FILES - 1}"
        self.assertEqual(self.engine("cat", "t:1", last), str(MANY_FILES - 1))
        started = time.monotonic()
        self.assertEqual(self.engine("build", "-t", "t:1", folder).count("Using cache"), 1)
        self.assertLess(time.monotonic() - started, 30)
        with open(folder + last.removeprefix("/c"), "w") as file:
            file.write("changed")
        self.assertEqual(self.engine("build", "-t", "t:1", folder).count("Using cache"), 0)
        self.assert_store_sound()

    def test_names_with_newlines(self):
        names = {"a\nb": "1", "d\n/x\r\n": "2", "d\n/\nx": "3", " blank ": "4", "-r": "5", "tab\t": "6", os.fsdecode(b"\xff\xfe"): "7", "e\\n": "8"}
        text = 'FROM scratch\nCOPY . /c/\nCOPY ["a\\nb", "/one"]\nCOPY a?b /two\nCOPY ["d\\n", "/three"]\n'
        self.build(text, files=names)
        for name, content in names.items():
            self.assertEqual(self.engine("cat", "t:1", "/c/" + name), content, repr(name))
        for path, content in (("/one", "1"), ("/two", "1"), ("/three/x\r\n", "2")):
            self.assertEqual(self.engine("cat", "t:1", path), content)
        self.assertEqual(self.build(text).count("Using cache"), 4)
        self.assertEqual(self.build(text, files={"d\n/\nx": "changed"}).count("Using cache"), 0)
        self.assertEqual(self.engine("cat", "t:1", "/c/d\n/\nx"), "changed")
        result = self.run_build('FROM scratch\nENV A=1\nCOPY ["no\\nfile", "/"]\n')  # docker's text, byte for byte
        self.assertEqual((result.code, result.err), (1, "COPY failed: file not found in build context or excluded by .dockerignore: stat no\nfile: file does not exist\n"))
        self.assert_store_sound()


class Faults(Case):
    def setUp(self):
        super().setUp()
        self.use_busybox()

    def full_disk(self, mebibytes):
        """The store on a file system of its own, with the base image."""
        root = self.path("store")
        subprocess.run(["rm", "-rf", root], check=True)
        os.mkdir(root)
        image = self.path("disk")
        with open(image, "wb") as file:
            file.truncate(mebibytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, root], check=True)
        self.addCleanup(subprocess.run, ["umount", root], check=True)
        os.chmod(root, 0o710)
        self.use_busybox()

    def free(self):
        space = os.statvfs(self.path("store"))
        return space.f_bavail * space.f_frsize

    def test_disk_full(self):
        self.full_disk(64)
        big = os.urandom(1 << 20) * 80
        with open(self.path("base.tar"), "rb") as file:
            first = FROM + "RUN echo 1 > /one\n"
            self.build(first, files={"big": big, "base.tar": file.read()})
        before = self.free()
        for step in ("COPY big /big", "COPY . /all", "ADD big /big"):
            with self.subTest(step):
                self.assert_fails(first + step + "\n", 1, "no space left on device$", cached=1)
                self.assertLess(before - self.free(), 1 << 20, "what was written is gone again")
        with self.subTest("RUN"):
            self.assert_fails(first + "RUN dd if=/dev/zero of=/x bs=1M count=100 2>/dev/null\n", 1, "returned a non-zero code: 1$", cached=1)
            self.assertLess(before - self.free(), 1 << 20)
        self.build(first + "ENV A=1\n")
        self.assertEqual(self.engine("run", "--rm", "--network", "none", "t:1", "cat", "/one"), "1")

    def test_disk_full_at_every_size(self):
        """The same build with more and more room: it fails with one line each time, until it succeeds."""
        steps = FROM + "RUN dd if=/dev/urandom of=/x bs=1M count=3 2>/dev/null && mkdir /d && for i in $(seq 300); do echo $i > /d/$i; done\nCOPY big /big\nRUN cp /big /again\n"
        self.full_disk(24)
        filler = self.path("store/filler")
        room = self.free()
        files = {"big": os.urandom(3 << 20)}
        outcomes = []
        for leave in (0, 64 << 10, 512 << 10, 2 << 20, 3 << 20, 4 << 20, 7 << 20, 12 << 20):
            with open(filler, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, room - leave - (64 << 10))
            with self.subTest(leave):
                result = self.run_build(steps, files=files, tag="bad:1")
                outcomes.append(result.code)
                if result.code != 0:
                    self.assertEqual(len(result.err.splitlines()), 1, result)
                    self.assertRegex(result.err, "no space left on device$|returned a non-zero code")
                    self.assertNotIn("bad:1", self.store().tags())
            os.unlink(filler)
            self.assert_store_sound()
        self.assertEqual((outcomes[0] != 0, outcomes[-1]), (True, 0), outcomes)

    def test_run_is_killed(self):
        first = FROM + "RUN echo 1 > /one\n"
        for name, code in (("KILL", 137), ("TERM", 143), ("SEGV", 139)):
            with self.subTest(name):  # of the shell below: the first process of a container is safe from itself
                self.assert_fails(first + f"RUN echo half > /half; sh -c 'kill -{name} $$'; exit $?\n", code,
                                  f"^The command '/bin/sh -c echo half > /half; sh -c 'kill -{name} ..'; exit ..' returned a non-zero code: {code}$", cached=1)

    def test_run_is_killed_from_outside(self):
        folder = self.context({"Dockerfile": FROM + f"RUN echo 1 > /one\nRUN exec sleep {self.mark}\n"})
        process = self.engine.popen("build", "--network", "none", "-t", "bad:1", folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.kill(self.wait_for_process("sleep", self.mark), signal.SIGKILL)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, err.decode()), (137, f"The command '/bin/sh -c exec sleep {self.mark}' returned a non-zero code: 137\n"))
        self.assert_store_sound("store", "--expect-clean")

    def test_run_has_too_little_memory(self):
        steps = FROM + "RUN echo 1 > /one\nRUN x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done\n"
        self.assert_fails(steps, 137, "returned a non-zero code: 137$", "--memory", "32m", "--memory-swap", "32m", cached=1)

    def test_a_secret_is_missing(self):
        steps = FROM + "RUN echo 1 > /one\nRUN --mount=type=secret,id=key,required cat /run/secrets/key\n"
        self.assert_fails(steps, 1, "^secret key not found: not found$", cached=1)

    def test_the_network_is_down(self):
        self.assert_fails(FROM + "RUN echo 1 > /one\nADD http://127.0.0.1:1/x /x\n", 1, "^ADD failed: Get .*127.0.0.1:1.*connection refused$", cached=1)
        self.assert_fails(FROM + "RUN echo 1 > /one\nADD http://no.such.host.invalid/x /x\n", 1, "^ADD failed: Get .*no.such.host.invalid", cached=1)

    # ---- the context changes while it is built

    def test_a_file_disappears(self):
        dockerfile = FROM + f"RUN sleep {self.mark} || true\nCOPY d /d\nCOPY f /f\n"
        folder = self.context({"Dockerfile": dockerfile, "f": "f", "d/a": "a", "d/b": "b"})
        process = self.engine.popen("build", "--network", "none", "-t", "bad:1", folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        sleeper = self.wait_for_process("sleep", self.mark)
        os.unlink(os.path.join(folder, "f"))
        os.kill(sleeper, signal.SIGKILL)
        _, err = process.communicate(timeout=PATIENCE)
        self.assert_store_sound("store", "--expect-clean")
        self.assertEqual((process.returncode, err.decode()),
                         (1, "COPY failed: file not found in build context or excluded by .dockerignore: stat f: file does not exist\n"))
        self.assertNotIn("bad:1", self.store().tags())
        result = self.run_build(dockerfile, files={"f": "f"})
        self.assertEqual((result.code, result.out.count("Using cache")), (0, 2), result)

    def test_files_come_and_go_all_the_time(self):
        """Whatever the moment: the image holds whole files that were there, or one line names what went wrong."""
        folder = self.context({"Dockerfile": FROM + "COPY d /d\n", **{f"d/{i}": f"{i}\n" * 2000 for i in range(300)}})
        stop = threading.Event()

        def disturb():
            number = 0
            while not stop.is_set():
                name = os.path.join(folder, f"d/{number % 300}")
                os.unlink(name)
                with open(name, "w") as file:
                    file.write(f"{number % 300}\n" * 2000)
                number += 1

        thread = threading.Thread(target=disturb)
        thread.start()
        try:
            codes = []
            for number in range(6):
                result = self.engine.run("build", "--no-cache", "-t", f"t:{number}", folder)
                codes.append(result.code)
                if result.code != 0:
                    self.assertEqual((result.code, len(result.err.splitlines())), (1, 1), result)
                    self.assertRegex(result.err, r"d(/\d+)?")
        finally:
            stop.set()
            thread.join()
        self.assert_store_sound("store", "--expect-clean")

    def test_a_file_changes_while_it_is_read(self):
        """Half of an edit is never baked in."""
        folder = self.context({"Dockerfile": "FROM scratch\nCOPY f /f\n", "f": b"a" * (64 << 20)})
        stop, begun = threading.Event(), threading.Event()

        def rewrite():
            letter = 0
            with open(os.path.join(folder, "f"), "r+b", buffering=0) as file:
                while not stop.is_set():
                    letter = (letter + 1) % 26
                    for at in range(0, 64 << 20, 1 << 20):
                        os.pwrite(file.fileno(), bytes([97 + letter]) * 4096, at)
                    begun.set()

        thread = threading.Thread(target=rewrite)
        thread.start()
        self.assertTrue(begun.wait(PATIENCE))
        try:
            result = self.engine.run("build", "-t", "bad:1", folder)
        finally:
            stop.set()
            thread.join()
        self.assertEqual((result.code, len(result.err.splitlines())), (1, 1), result)
        self.assertRegex(result.err, r"\bf\b.*changed")
        self.assertNotIn("bad:1", self.store().tags())
        self.assert_store_sound("store", "--expect-clean")


if __name__ == "__main__":
    unittest.main()
