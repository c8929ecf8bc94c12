"""Contexts that are no directory, and archives in ADD: by Strata and by a real dockerd, from the same bytes."""
import bz2
import gzip
import io
import lzma
import os
import re
import tarfile
import unittest

from tests.support import rootfs, sample
from tests.support.case import IN_MEMORY, StoreCase
from tests.support.golden import normalise
from tests.support.web import Web

FROM = f"FROM {sample.BASE}\n"
LOOK = ("RUN find /c | sort | while read f; do stat -c '%n %F %a %u:%g %t:%T' \"$f\"; readlink \"$f\"; done; find /c -type f | sort | xargs cat; "
        "[ /c/x -ef /c/hl ] && echo one file; true\n")
DOCKERFILE = FROM + "COPY . /c\n" + LOOK
KINDS = {"dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "char": tarfile.CHRTYPE, "fifo": tarfile.FIFOTYPE}


def archive(*members, compress=bytes):
    """Members are (name, content), or (name, kind, link) for what is no regular file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, *rest in members:
            if len(rest) == 1:
                rootfs.add_file(tar, name, rest[0])
            else:
                rootfs.add(tar, name, KINDS[rest[0]], 0o755, rest[1], (1, 3))
    return compress(buffer.getvalue())


class Contexts(StoreCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.theirs, self.ours = self.dockerd("theirs"), self.strata("ours")
        base = rootfs.busybox(self.path("base.tar"), {"data/old": "old\n"})
        for engine in (self.theirs, self.ours):
            engine("import", base, sample.BASE)

    def build(self, engine, *arguments, **options):
        result = engine.run("build", "--network", "none", "-t", "x:1", *arguments, **options)
        text = normalise(result.out + "--- stderr\n" + result.err)
        return f"exit status {result.code}\n" + text.replace(engine.root, "ROOT")

    def assert_same(self, *arguments, **options):
        theirs = self.build(self.theirs, *arguments, **options)
        self.assertEqual(self.build(self.ours, *arguments, **options), theirs)
        self.assertEqual([name for name in os.listdir(self.path("ours/strata")) if name.startswith("context-")], [])
        return theirs

    def test_a_dockerfile_on_stdin(self):
        for stdin in (DOCKERFILE, FROM + "RUN true\n", "", "# nothing\n", FROM + "COPY nope /\n"):
            with self.subTest(stdin):
                self.assert_same("-", stdin=stdin.encode())
        self.assert_same("-f", "ignored", "-", stdin=FROM.encode())
        self.assert_same("-f", "-", "-", stdin=FROM.encode())

    def test_a_dockerfile_on_stdin_for_a_directory(self):
        context = self.context({"Dockerfile": FROM + "RUN echo wrong\n", "x": "x\n"})
        theirs, ours = (re.sub("context to Docker daemon .*", "", self.build(engine, "-f", "-", context, stdin=DOCKERFILE.encode()))
                        for engine in (self.theirs, self.ours))
        self.assertEqual(ours, theirs)

    def test_archives_on_stdin(self):
        odd = (("Dockerfile", DOCKERFILE), (".wh.x", "a name\n"), ("sub/.wh..wh..opq", "another\n"), ("x", "1\n"), ("x", "22\n"),
               ("e", "dir", ""), ("e/i", "gone\n"), ("e", "now a file\n"), ("g", "a file\n"), ("g", "dir", ""), ("l", "link", "g"), ("l/in", "through a link\n"),
               ("abs", "link", "/etc"), ("hl", "hard", "x"), ("sl", "hard", "l"), ("/lead/y", "y\n"), ("./dot/y", "y\n"), ("p", "fifo", ""), ("nul", "char", ""),
               ("no/parent/b", "b\n"), ("../up", "up\n"), ("d/../e2", "e2\n"), ("d/../../e3", "e3\n"), ("deep", "dir", ""), ("deep/a/b/c", "c\n"), ("deep", "link", "x"))
        self.assert_same("-", stdin=archive(*(member for member in odd if ".wh." not in member[0])))
        # docker's daemon, too, takes .wh.x of a context for a name; what its layers make of it is another matter
        self.build(self.ours, "-", stdin=archive(*odd))
        self.assertEqual(self.ours("run", "--rm", "--network", "none", "x:1", "cat", "/c/.wh.x", "/c/x"), "a name\n22")
        simple = (("Dockerfile", DOCKERFILE), ("f", "f\n"))
        for compress in (gzip.compress, bz2.compress, lzma.compress):
            self.assert_same("-", stdin=archive(*simple, compress=compress))
        old = bytearray(archive(*simple))  # before POSIX: no magic
        for header in (0, 1024):
            old[header + 257:header + 265] = bytes(8)
            old[header + 148:header + 156] = b" " * 8
            old[header + 148:header + 156] = b"%06o\0 " % sum(old[header:header + 512])
        self.assert_same("-", stdin=bytes(old))

    def test_dockerfiles_in_archives(self):
        lower = archive(("dockerfile", DOCKERFILE), compress=gzip.compress)
        named = archive(("x", "dir", ""), ("x/D", DOCKERFILE), ("D", FROM), compress=gzip.compress)
        for flags, stdin in ((("-",), lower), (("-f", "x/D", "-"), named), (("-f", "/D", "-"), named), (("-f", "nope", "-"), named),
                             (("-f", "../D", "-"), named), (("-",), named), (("-f", "x/../D", "-"), named)):
            with self.subTest(flags):
                self.assert_same(*flags, stdin=stdin)

    def test_ignore_files_in_archives(self):
        """Of an archive docker's daemon takes away its own two files alone."""
        for ignore in ("x\nDockerfile\n", "*\n", ".dockerignore\n", "!\n", "x\n!Dockerfile\n"):
            with self.subTest(ignore):
                self.assert_same("-", stdin=archive(("Dockerfile", DOCKERFILE), (".dockerignore", ignore), ("x", "x\n"), ("y", "y\n")))

    def test_bad_archives_on_stdin(self):
        start = ("Dockerfile", DOCKERFILE)
        for name, stdin in {"cut": archive(start, ("x", "x" * 9000))[:5000], "cut gzip": archive(start, ("x", os.urandom(9000)), compress=gzip.compress)[:5000],
                            "link out": archive(start, ("up", "hard", "../../etc/passwd")), "link to nothing": archive(start, ("up", "hard", "nope")),
                            "through a link": archive(start, ("abs", "link", "/etc"), ("abs/x", "x\n"))}.items():
            with self.subTest(name):
                self.assert_same("-", stdin=stdin)

    def test_urls(self):
        web = Web()
        self.addCleanup(web.stop)
        tgz = archive(("Dockerfile", DOCKERFILE), ("f", "f\n"), compress=gzip.compress)
        web.pages = {"/Dockerfile": (200, {"Content-Type": "text/html"}, FROM.encode()), "/ctx.tgz": (200, {}, tgz), "/moved": (302, {"Location": "/ctx.tgz"}, b""),
                     "/endless": (200, {"Content-Length": None}, FROM.encode()), "/empty": (200, {}, b""), "/cut": (200, {"Content-Length": "100"}, b"short"),
                     "/broken": (500, {}, b"oops\nline 2\n")}
        for page in (*web.pages, "/nope"):
            with self.subTest(page):
                self.assert_same(web.url + page)
        self.assert_same("-f", "f", web.url + "/ctx.tgz")
        self.assert_same("-f", "ignored", web.url + "/Dockerfile")
        self.assert_same("-q", web.url + "/ctx.tgz")
        self.assert_same("http://127.0.0.1:1/x")
        # docker 20.10 breaks its own connection here
        done = self.ours.run("build", "-f", "-", "--network", "none", web.url + "/ctx.tgz", stdin=FROM.encode() + b"COPY f /f\n")
        self.assertEqual(done.code, 0, done)
        self.assertIn("build context is not an archive", self.ours.run("build", "-f", "-", web.url + "/Dockerfile", stdin=FROM.encode()).err)

    # ---- ADD of archives

    def add(self, dockerfile, **files):
        # Without the cache: layers that have come out equal are hits for Strata alone.
        return self.assert_same("--no-cache", self.context({"Dockerfile": FROM + dockerfile} | files, f"c{len(os.listdir(self.folder))}"))

    def test_add_of_archives(self):
        one, two = archive(("x", "x\n"), ("d/y", "y\n")), archive(("z", "z\n"), ("x", "dir", ""), compress=gzip.compress)
        look = LOOK.replace("/c", "/o")
        self.add("ADD a /o/\n" + look, a=one)
        self.add("ADD a /o\n" + look, a=one)
        self.add("ADD a b f /o/\n" + look, a=one, b=two, f=b"text\n")
        self.add("RUN mkdir -p /o/x/deep; ln -s d2 /o/d; mkdir /o/d2; ln -s /etc /o/e\nADD a /o\n" + look, a=archive(("x", "x\n"), ("d/y", "y\n")))
        self.add("RUN mkdir -p /o/etc; ln -s /etc /o/e\nADD a /o\n" + look, a=archive(("e/y", "in the destination\n")))
        self.add("ADD a /o/\n" + look, a=archive(("../up", "up\n"), ("/abs", "abs\n"), ("x", "1\n"), ("h", "hard", "x"), ("x", "2\n"), ("p", "fifo", "")))
        self.add("WORKDIR /o\nADD --chown=1:2 a .\n" + look, a=one)
        self.add("ADD a /o/\n", a=gzip.compress(archive(("x", os.urandom(9000))))[:5000])

    def test_marks_in_archives(self):
        """`.wh.x` deletes x for docker, whose layers cannot hold such a name; Strata wants to be told so."""
        context = self.context({"Dockerfile": FROM + "RUN mkdir /o; touch /o/x /o/y\nADD a /o/\nRUN find /o | sort\n",
                                "a": archive((".wh.x", ""), ("z", ""))})
        refused = self.ours.run("build", "--network", "none", context)
        self.assertEqual((refused.code, refused.err), (
            1, "failed to copy files: Error processing tar file(exit status 1): /.wh.x: a layer cannot hold a name that begins with .wh.\n"))
        self.assertEqual(self.build(self.ours, "--allow-whiteouts", "--no-cache", context), self.build(self.theirs, context))


if __name__ == "__main__":
    unittest.main()
