"""Files that have not changed since an earlier build: linked from the layer that it made, without a look at the context's."""
import os
import re
import struct
import subprocess
import time
import unittest

from tests.support import rootfs, sample
from tests.support.case import StoreCase

PAST = 1_600_000_000
TICK = 0.2  # seconds; what is younger than a tick of the kernel's clock is not remembered


def crc64(data):
    """CRC-64/ISO, as a tar-split has it."""
    crc = (1 << 64) - 1
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xD800000000000000 if crc & 1 else 0)
    return crc ^ ((1 << 64) - 1)


def forged(text, like):
    """`text` with eight bytes that give it the CRC of `like`, which ends in eight that may be anything."""
    assert len(text) + 8 == len(like)
    last, = struct.unpack("<Q", like[-8:])
    data = text + struct.pack("<Q", last ^ crc64(like[:-8]) ^ crc64(text))
    assert crc64(data) == crc64(like)
    return data


class KnownFiles(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)

    def edit(self, name, content):
        """With one time for all files, so that a layer has nothing to tell them by."""
        path = self.path("context", name)
        with open(path, "wb") as file:
            file.write(content)
        os.utime(path, (PAST, PAST))

    def build(self, dockerfile, *options):
        with open(self.path("Dockerfile"), "w") as file:
            file.write(f"FROM {sample.BASE}\n{dockerfile}")
        time.sleep(TICK)
        return ["build", "--network", "none", "-t", "t:1", *options, "-f", self.path("Dockerfile"), self.path("context")]

    def read(self, dockerfile, *options):
        """Builds; gives the names of the files in d that were opened."""
        folder, traces = self.path("context/d") + "/", self.path("traces")
        subprocess.run(["rm", "-rf", traces], check=True)
        os.mkdir(traces)
        subprocess.run(["strace", "-ff", "-y", "-qq", "-e", "signal=none", "-e", "trace=openat,openat2", "-o", os.path.join(traces, "t"),
                        *self.engine.command(), *self.build(dockerfile, *options)], check=True, stdout=subprocess.DEVNULL)
        opened = set()
        for name in os.listdir(traces):  # one for each thread
            with open(os.path.join(traces, name)) as file:
                opened.update(re.findall(re.escape("<" + folder) + r"([^/>]+)>$", file.read(), re.M))
        return opened

    def test_a_rebuild_reads_what_has_changed_alone(self):
        names = {str(i) for i in range(12)}
        self.context({f"d/{name}": "" for name in names})
        for name in names:
            self.edit("d/" + name, b"text " + name.encode())
        step, other = "COPY d /d\n", "LABEL a=b\nRUN echo x > /x\nCOPY d /d\n"
        self.assertEqual(self.read(step), names)
        self.assertEqual(self.read(step), set())
        for name in "34":
            self.edit("d/" + name, b"new")
            self.assertEqual(self.read(step), {name})

        with self.subTest("another Dockerfile has its own"):
            self.read(other)
            self.edit("d/5", b"new")
            self.assertEqual(self.read(other), {"5"})
            self.assertEqual(self.read(step), {"5"})
        with self.subTest("a layer that is there already"):
            for _ in range(5):
                self.read(step, "--no-cache")
            self.edit("d/6", b"new")
            self.assertEqual(self.read(step), {"6"})
        with self.subTest("built twice at once"):
            self.read(step, "--check-repro")
            self.edit("d/8", b"new")
            self.read(step, "--check-repro")
            self.edit("d/7", b"new")
            self.assertEqual(self.read(step, "--reproducible"), {"7"})
            self.edit("d/7", b"newer")
            self.assertEqual(self.read(step), {"7", "8"})
        with self.subTest("a capability comes and goes"):
            path = self.path("context/d/9")
            for change in (lambda: os.setxattr(path, "security.capability", bytes.fromhex("0100000200200000000000000000000000000000")),
                           lambda: os.removexattr(path, "security.capability")):
                change()
                self.edit("d/10", os.urandom(8))
                self.assertEqual(self.read(step), {"9", "10"})
            self.edit("d/10", b"new")
            self.assertEqual(self.read(step), {"10"})
        with self.subTest("other places, other owners"):
            self.assertEqual(self.read("COPY d /other\n"), names)
            self.assertEqual(self.read("COPY --chown=1:1 d /d\n"), names)
        with self.subTest("the layer is gone"):
            self.engine("rmi", "t:1")
            self.engine("image", "prune", "-f")
            self.assertEqual(self.read(step), names)
        self.assert_store_sound("store", "--rebuild-from-diff")

    def test_equal_checksums_are_no_equal_files(self):
        """Two files with one size, time and CRC-64. Which of them a step copies changes, and they do not."""
        def nothing():
            pass

        for number, (name, folders, step, first, then) in enumerate((
                ("two directories, of which the last one wins", ("a", "b"), "COPY a b /d/\n", nothing, lambda: self.move("b/f", "gone")),
                ("a pattern", ("a", "b"), "COPY [ab]/f /d/\n", nothing, lambda: self.move("b/f", "gone")),
                ("a link to a directory", ("a", "b"), "COPY link /d/\n", lambda: self.link("b"), lambda: self.link("a")),
                ("a link to a file", ("a", "b"), "COPY link /d/f\n", lambda: self.link("b/f"), lambda: self.link("a/f")),
                ("a directory in place of a file", ("p", "q/f"), "COPY p/f /d/\n", lambda: self.swap("p", "q"), lambda: self.swap("p", "q")),
                ("a second name of another file", ("p", "q"), "COPY p /d/\n", lambda: (self.swap("p", "q"), self.name_again("p/f", "p/e")),
                 lambda: self.swap("p", "q")),
                ("an archive of the same name", ("a", "b"), "ADD a/f b/f /d/\n", nothing, lambda: self.archive("b/f")))):
            one = f"the right one: {number}".encode().ljust(600) + b"12345678"
            two = forged(f"the forged one: {number}".encode().ljust(600), one)
            with self.subTest(name):
                self.start_with(dict(zip(folders, (one, two))))
                first()
                self.engine(*self.build(step))
                self.assertEqual(self.content(), two)
                then()
                self.engine(*self.build(step))
                self.assertEqual(self.content(), one)

    def test_a_file_that_was_too_young_to_be_known_is_no_older_one(self):
        one = b"the right one".ljust(600) + b"12345678"
        two = forged(b"the young one".ljust(600), one)
        self.start_with({"p": one})
        self.move("p", "old")
        os.mkdir(self.path("context/p"))
        self.edit("p/f", two)
        os.utime(self.path("context/p/f"), (time.time() + 9999,) * 2)  # young for as long as it takes
        self.engine(*self.build("COPY p /d\n", "--reproducible"))  # with one time for all files
        self.assertEqual(self.content(), two)
        self.move("p", "young")
        self.move("old", "p")
        self.engine(*self.build("COPY p /d\n", "--reproducible"))
        self.assertEqual(self.content(), one)

    def start_with(self, files):
        """A context with a file f in each of these directories; all of them are known."""
        subprocess.run(["rm", "-rf", self.path("context")], check=True)
        self.context({f"{folder}/f": "" for folder in files})
        for folder, content in files.items():
            self.edit(folder + "/f", content)
        self.engine(*self.build("COPY . /all\n"))

    def move(self, name, to):
        os.rename(self.path("context", name), self.path("context", to))

    def swap(self, one, other):
        self.move(one, "between")
        self.move(other, one)
        self.move("between", other)

    def name_again(self, name, other):
        os.link(self.path("context", name), self.path("context", other))

    def archive(self, name):
        with open(self.path("content"), "w") as file:
            file.write("x")
        subprocess.run(["tar", "-cf", self.path("context", name), "-C", self.path(""), "content"], check=True)

    def link(self, to):
        path = self.path("context/link")
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(to, path)

    def content(self):
        return self.engine("cat", "t:1", "/d/f").encode(errors="surrogateescape")


if __name__ == "__main__":
    unittest.main()
