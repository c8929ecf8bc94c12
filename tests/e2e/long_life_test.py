"""A store over years: what Strata keeps for itself may be missing, damaged, or of another version."""
import os
import re
import shutil
import time
import unittest

from tests.support.case import StoreCase


def files_below(folder):
    return sorted(os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)


class LongLifeTest(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.folder_of_build = self.context({"Dockerfile": "FROM scratch\nCOPY a b /\nCOPY d /d\n", "a": "a" * 9000, "b": "b", "d/e": "e"})
        for name in ("a", "b", "d/e"):
            os.utime(os.path.join(self.folder_of_build, name), (1_600_000_000, 1_600_000_000))
        time.sleep(0.2)  # what is younger than a clock tick is not remembered
        self.build()
        self.first = self.build()

    def build(self):
        return self.engine("build", "-q", "-t", "app:1", self.folder_of_build)

    def own(self, *names):
        return self.store().path("strata", *names)

    def test_a_newer_version_is_refused_with_one_line(self):
        with open(self.own("version"), "w") as file:
            file.write("2\n")
        for words in (("images",), ("tag", "app:1", "app:2"), ("check",), ("check", "--repair")):
            result = self.engine.run(*words)
            self.assertEqual((result.code, result.out), (1, ""), str(result))
            self.assertRegex(result.err, r"^[^\n]*strata/version: the store is of version 2, this strata knows only 1: use a newer strata\n$")

    def test_a_store_without_a_version_and_one_emptied_by_a_power_cut_open(self):
        for how in (os.unlink, lambda path: os.truncate(path, 0)):
            how(self.own("version"))
            self.engine("tag", "app:1", "app:2")
            with open(self.own("version")) as file:
                self.assertEqual(file.read(), "1\n")

    def test_everything_of_ours_may_be_missing(self):
        shutil.rmtree(self.own())
        self.assertEqual(self.build(), self.first)
        self.assertEqual(self.engine.run("check").code, 0)

    def test_damaged_memos_are_made_anew_and_never_trusted(self):
        kinds = ("memo", "steps")
        for kind in kinds:
            shutil.copytree(self.own(kind), self.path("sound", kind))
        for name, damage in {
                "emptied": lambda data: b"",
                "cut": lambda data: data[:len(data) // 2],
                "a bit flipped": lambda data: data[:-20] + bytes(byte ^ 1 for byte in data[-20:-19]) + data[-19:],
                "of another version": lambda data: re.sub(rb"strata memo \d", b"strata memo 0", data),
                "zeroes": lambda data: bytes(len(data))}.items():
            with self.subTest(name):
                is_damaged = False
                for kind in kinds:
                    shutil.rmtree(self.own(kind))
                    shutil.copytree(self.path("sound", kind), self.own(kind))
                    paths = files_below(self.own(kind))
                    self.assertNotEqual(paths, [], kind)
                    for path in paths:
                        with open(path, "rb") as file:
                            data = file.read()
                        with open(path, "wb") as file:
                            file.write(damage(data))
                        is_damaged |= damage(data) != data
                self.assertTrue(is_damaged)
                self.assertEqual(self.build(), self.first)

    def test_a_stale_memo_is_noticed(self):
        path = os.path.join(self.folder_of_build, "a")
        with open(path, "w") as file:
            file.write("x" * 9000)  # as long as before, and with its old time
        os.utime(path, (1_600_000_000, 1_600_000_000))
        second = self.build()
        self.assertNotEqual(second, self.first)
        self.assert_store_sound()


if __name__ == "__main__":
    unittest.main()
