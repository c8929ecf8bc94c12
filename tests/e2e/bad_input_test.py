"""Bad input of every kind gets one line that names what, where and why, docker's exit status, and a store as before."""
import io
import os
import re
import tarfile
import unittest

from tests.support import rootfs, sample
from tests.support.case import StoreCase

FROM = f"FROM {sample.BASE}\n"


class BadInput(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)
        self.engine("create", "--name", "one", "--network", "none", sample.BASE, "true")
        self.before = self.store().fingerprint()

    def assert_refused(self, arguments, code, message, lines=1, **options):
        """The command fails with that exit status and its message is one line that `message` (a regex) matches."""
        result = self.engine.run(*arguments, **options)
        self.assertEqual(result.code, code, result)
        self.assertRegex(result.err, message, result)
        self.assertEqual(len(result.err.rstrip("\n").split("\n")), lines, result)
        self.assert_as_before()
        return result

    def assert_as_before(self):
        after = self.store().fingerprint()
        changed = {path for path in self.before.keys() | after.keys() if self.before.get(path) != after.get(path)}
        self.assertEqual(changed - {"image/overlay2/layerdb/tmp/"}, set())
        self.assert_store_sound("store", "--expect-clean")

    # ---- names that are not there

    def test_unknown_images_and_containers(self):
        image, container = "No such image: nope(:latest)?$", "No such container: nope$"
        for arguments, message in ((("history", "nope"), image), (("layers", "nope"), image), (("image", "inspect", "nope"), image),
                                   (("inspect", "nope"), "No such object: nope$"), (("start", "nope"), container),
                                   (("logs", "nope"), container), (("diff", "nope"), container), (("wait", "nope"), container),
                                   (("stop", "nope"), container), (("rm", "nope"), container), (("commit", "nope", "x"), container)):
            with self.subTest(arguments):
                self.assert_refused(arguments, 1, "(?m)" + message, lines=2 if arguments[0] == "start" else 1)

    def test_malformed_references(self):
        for arguments, code in ((("build", "-t", "Bad", self.path()), 125), (("import", self.path("base.tar"), "a/B"), 1),
                                (("commit", "one", "x:y:z"), 1), (("build", "-t", "a b", self.path()), 125)):
            with self.subTest(arguments):
                self.assert_refused(arguments, code, "invalid reference format", lines=2 if code == 125 else 1)

    def test_malformed_commands(self):
        for arguments, code, message in ((("build", "--nope", "."), 125, "^unknown flag: --nope"),
                                         (("build",), 1, "requires exactly 1 argument"),
                                         (("nope",), 1, "'nope' is not a (strata|docker) command"),
                                         (("images", "--format", "{{.Nope}}"), 1, "can't evaluate field Nope"),
                                         (("images", "--format", "{{.ID"), 1, "^template parsing error"),
                                         (("inspect", "--format", "{{.ID", "one"), 64, "^template parsing error"),
                                         (("images", "--filter", "nope=1"), 1, "[Ii]nvalid filter '?nope"),
                                         (("run", "--network", "nope", sample.BASE, "true"), 125, "network nope not found"),
                                         (("run", "-v", "/tmp:/x:zz", sample.BASE, "true"), 125, "invalid mode: zz"),
                                         (("create", "--name", "one", sample.BASE, "true"), 1, 'name "/one" is already in use'),
                                         (("create", "--name", "/-", sample.BASE, "true"), 1, "Invalid container name")):
            with self.subTest(arguments):
                result = self.engine.run(*arguments)
                self.assertEqual(result.code, code, result)
                self.assertRegex(result.err, message, result)
                self.assert_as_before()

    # ---- archives

    def archive(self, *members, mode="w"):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode) as tar:
            for member in members:
                member(tar)
        return buffer.getvalue()

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def test_archives_that_are_damaged(self):
        good = self.archive(lambda tar: rootfs.add_file(tar, "etc/file", b"x" * 100_000), mode="w:gz")
        plain = self.archive(lambda tar: rootfs.add_file(tar, "etc/file", b"x" * 100_000))
        bad_checksum = bytearray(plain)
        bad_checksum[0] ^= 1
        for name, data, message in (("cut.tar", plain[:50_000], "unexpected end|unexpected EOF"),
                                    ("cut.tgz", good[:len(good) // 2], "unexpected end|unexpected EOF"),
                                    ("noise.tar", os.urandom(5000), "header|archive"),
                                    ("checksum.tar", bytes(bad_checksum), "header|checksum")):
            with self.subTest(name):
                path = self.write(name, data)
                self.assert_refused(("import", path, "bad:1"), 1, message)
        self.assert_refused(("import", self.path("nope.tar"), "bad:1"), 1, "nope.tar: no such file or directory")

    def test_archives_that_try_to_leave_the_layer(self):
        """Whether such an entry is confined, as docker does, or refused: nothing outside is touched."""
        target = self.path("outside")
        attempts = {
            "dots": [lambda tar: rootfs.add_file(tar, "../" * 20 + target[1:], "evil\n")],
            "absolute": [lambda tar: rootfs.add_file(tar, target, "evil\n")],
            "through a link": [lambda tar: rootfs.add(tar, "link", tarfile.SYMTYPE, 0o777, self.path()),
                               lambda tar: rootfs.add_file(tar, "link/outside", "evil\n")],
            "hard link out": [lambda tar: rootfs.add(tar, "passwd", tarfile.LNKTYPE, 0o644, "../" * 20 + "etc/passwd"),
                              lambda tar: rootfs.add_file(tar, "passwd", "evil\n")],
            "whiteout of the parent": [lambda tar: rootfs.add_file(tar, "..//.wh.overlay2", "")],
        }
        with open("/etc/passwd", "rb") as file:
            passwd = file.read()
        for number, (name, members) in enumerate(attempts.items()):
            with self.subTest(name):
                path = self.write("escape.tar", self.archive(*members))
                self.engine.run("import", path, f"escape:{number}")
                self.assertFalse(os.path.exists(target))
                with open("/etc/passwd", "rb") as file:
                    self.assertEqual(file.read(), passwd)
                self.assert_store_sound()

    # ---- builds; the texts themselves are compared with docker's in tests/differential/build_output_test.py

    def test_dockerfiles_are_refused_before_any_step(self):
        for dockerfile, message in ((FROM + "RUN true\nFOO\n", "^dockerfile parse error line 3: unknown instruction: FOO$"),
                                    ("", "the Dockerfile .* cannot be empty"), ("RUN true\n", "no build stage in current context"),
                                    (FROM + "COPY a\n", "line 2: COPY requires at least two arguments"),
                                    (FROM + "#\n\nENV\n", "line 4: ENV requires at least one argument"),
                                    (FROM + "RUN " + "x" * 70_000, "dockerfile line greater than max allowed size of 65535"),
                                    (b"FROM \xff\xfe\n", "invalid reference format"), (b"\0" * 100, "unknown instruction")):
            with self.subTest(message):
                folder = self.context({"Dockerfile": dockerfile})
                result = self.engine.run("build", "--network", "none", "-t", "bad:1", folder)
                self.assertEqual((result.code, len(result.err.splitlines())), (1, 1), result)
                self.assertRegex(result.err.replace("Error response from daemon: ", ""), message)
                self.assert_as_before()

    def test_a_step_that_fails_leaves_nothing_half_made(self):
        for dockerfile, code in ((FROM + "COPY nope /\n", 1), (FROM + "RUN echo half > /half; exit 9\n", 9),
                                 (FROM + "COPY Dockerfile /etc/passwd/x\n", 1), (FROM + "WORKDIR /etc/passwd\n", 1)):
            with self.subTest(dockerfile):
                folder = self.context({"Dockerfile": dockerfile})
                result = self.engine.run("build", "--network", "none", "--force-rm", "-t", "bad:1", folder)
                self.assertEqual(result.code, code, result)
                self.assertEqual(len(result.err.splitlines()), 1, result)
                self.assert_as_before()

    def test_a_failed_build_keeps_the_steps_before_as_cache(self):
        folder = self.context({"Dockerfile": FROM + "RUN echo 1 > /one\nRUN exit 5\n"})
        self.assertEqual(self.engine.run("build", "--network", "none", "--force-rm", "-t", "bad:1", folder).code, 5)
        again = self.engine.run("build", "--network", "none", "--force-rm", "-t", "bad:1", folder)
        self.assertEqual((again.code, again.out.count("Using cache")), (5, 1), again)
        self.assertNotIn("bad:1", self.store().tags())
        self.assert_store_sound("store", "--expect-clean")

    # ---- the store itself

    def test_a_root_that_is_no_directory(self):
        engine = self.strata("base.tar")
        result = engine.run("images")
        self.assertNotEqual(result.code, 0, result)
        self.assertRegex(result.err, r"base\.tar.*not a directory")
        self.assertEqual(len(result.err.splitlines()), 1, result)

    def test_a_damaged_config_is_named_and_hides_no_other_image(self):
        self.engine("import", self.path("base.tar"), "other:1")
        image = self.store().tags()["other:1"]
        path = self.store().path("image/overlay2/imagedb/content/sha256", image)
        with open(path, "ab") as file:
            file.write(b" ")
        listed = self.engine.run("images", "--format", "{{.Repository}}")
        self.assertEqual((listed.code, listed.out), (0, "busybox\n"), listed)
        shown = self.engine.run("history", "other:1")
        self.assertNotEqual(shown.code, 0, shown)
        self.assertEqual(len(shown.err.splitlines()), 1, shown)

    def test_a_broken_table_of_tags_is_reported_not_overwritten(self):
        path = self.store().path("image/overlay2/repositories.json")
        with open(path, "w") as file:
            file.write('{"Repositories":')
        for arguments in (("images",), ("import", self.path("base.tar"), "x:1")):
            result = self.engine.run(*arguments)
            self.assertNotEqual(result.code, 0, result)
            self.assertIn("repositories.json", result.err)
            self.assertEqual(len(result.err.splitlines()), 1, result)
        with open(path) as file:
            self.assertEqual(file.read(), '{"Repositories":')

    def test_as_another_user_it_says_that_it_needs_root(self):
        words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *self.engine.command(), "images"]
        self.engine.command = lambda: words
        result = self.engine.run()
        self.assertNotEqual(result.code, 0, result)
        self.assertEqual(len(result.err.splitlines()), 1, result)
        self.assertTrue(re.search("permission denied|must run as root|needs root", result.err), result)


if __name__ == "__main__":
    unittest.main()
