"""Files that have not changed since an earlier build: linked from the layer that it made, without a look at the context's.

What the engine opens of its layers it opens with O_NOATIME; the files of a context without.
"""
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
        """Builds; gives the names of the context's files, all digits, that were opened."""
        trace = self.path("trace")
        subprocess.run(["strace", "-f", "-qq", "-e", "signal=none", "-e", "trace=openat,openat2", "-o", trace, *self.engine.command(),
                        *self.build(dockerfile, *options)], check=True, stdout=subprocess.DEVNULL)
        with open(trace) as file:
            opened = re.findall(r'"(?:[^"]*/)?(\d+)", (.*)\) *= \d', file.read())
        return sorted(name for name, how in opened if "O_NOATIME" not in how and "O_WRONLY" not in how)

    def test_a_rebuild_reads_what_has_changed_alone(self):
        names = [str(i) for i in range(20)]
        self.context({f"d/{name}": f"text {name}" for name in names})
        step, other = "COPY d /d\n", "LABEL a=b\nRUN echo x > /x\nCOPY d /d\n"
        for name in names:
            self.edit("d/" + name, b"text " + name.encode())
        self.assertEqual(self.read(step), sorted(names))
        self.assertEqual(self.read(step), [])
        self.edit("d/3", b"new")
        self.assertEqual(set(self.read(step)), {"3"})
        self.edit("d/4", b"new")
        self.assertEqual(set(self.read(step)), {"4"})

        with self.subTest("another Dockerfile has its own"):
            self.read(other)
            self.edit("d/5", b"new")
            self.assertEqual(set(self.read(other)), {"5"})
            self.assertEqual(set(self.read(step)), {"5"})
        with self.subTest("a layer that is there already"):
            self.read(step, "--no-cache")
            self.edit("d/6", b"new")
            self.assertEqual(set(self.read(step)), {"6"})
        with self.subTest("other rules"):
            self.assertEqual(self.read("COPY --chown=1:1 d /d\n"), sorted(names))
            self.assertEqual(self.read("COPY d /other\n"), sorted(names))
        with self.subTest("the layer is gone"):
            self.engine("rmi", "t:1")
            self.engine("image", "prune", "-f")
            self.assertEqual(self.read(step), sorted(names))
        self.assert_store_sound("store", "--rebuild-from-diff")

    def test_equal_checksums_are_no_equal_files(self):
        """Two files with one size, time and CRC-64; what decides which of them is copied changes, and they do not."""
        def remove_second():
            os.unlink(self.path("context/b/f"))

        def link_first():
            self.link("a")

        for name, step, change in (("two directories, of which the last one wins", "COPY a b /d/\n", remove_second),
                                   ("a pattern", "COPY [ab]/f /d/\n", remove_second),
                                   ("a link to a directory", "COPY link /d/\n", link_first),
                                   ("a link to a file", "COPY file /d/f\n", link_first)):
            with self.subTest(name):
                one = f"the right one: {name}".encode().ljust(80) + b"12345678"
                two = forged(f"the forged one: {name}".encode().ljust(80), one)
                subprocess.run(["rm", "-rf", self.path("context")], check=True)
                self.context({"a/f": "", "b/f": "", "a/g": "g", "b/g": "g"})
                self.edit("a/f", one)
                self.edit("b/f", two)
                self.link("b")
                self.engine(*self.build("COPY . /all\n"))  # both are known before the step is
                self.engine(*self.build(step))
                self.assertEqual(self.content(), two)
                change()
                self.engine(*self.build(step))
                self.assertEqual(self.content(), one)

    def link(self, to):
        for name, target in (("link", to), ("file", to + "/f")):
            path = self.path("context", name)
            if os.path.lexists(path):
                os.unlink(path)
            os.symlink(target, path)

    def content(self):
        return self.engine("cat", "t:1", "/d/f").encode(errors="surrogateescape")


if __name__ == "__main__":
    unittest.main()
