"""The Dockerfile language beyond the classic builder: here-documents and the newer flags of COPY and ADD."""
import dataclasses
import hashlib
import io
import os
import tarfile
import unittest

from tests.support import rootfs, sample
from tests.support.case import StoreCase
from tests.support.web import Web


@dataclasses.dataclass
class File:
    mode: int
    uid: int
    gid: int
    mtime: int
    kind: str
    content: str


class Language(StoreCase):
    """Builds a Dockerfile and gives the files of its image: name -> File."""

    def setUp(self):
        super().setUp()
        self.engine = self.strata()

    def use_busybox(self):
        self.engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)

    def build(self, dockerfile, files=(), *options, tag="t:1"):
        folder = self.context({"Dockerfile": dockerfile, **dict(files)})
        return self.engine("build", "--network", "none", "-t", tag, *options, folder)

    def refused(self, dockerfile, files=(), *options):
        folder = self.context({"Dockerfile": dockerfile, **dict(files)})
        result = self.engine.run("build", "--network", "none", "-t", "refused:1", *options, folder)
        self.assertNotEqual(result.code, 0, result)
        self.assertEqual(self.engine("images", "-q", "refused"), "")
        return result.err

    def files(self, tag="t:1"):
        """The files of the image's top-most view."""
        container = self.engine("create", tag, "x")
        data = self.engine_bytes("export", container)
        self.engine("rm", container)
        found = {}
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                found[member.name.rstrip("/")] = File(
                    member.mode, member.uid, member.gid, int(member.mtime), "dir" if member.isdir() else "link" if member.issym() else "file",
                    tar.extractfile(member).read().decode(errors="replace") if member.isreg() else None)
        return found

    def engine_bytes(self, *arguments):
        path = self.path("out.tar")
        self.engine(*arguments, "-o", path)
        with open(path, "rb") as file:
            return file.read()

    def created_by(self, tag="t:1"):
        return self.engine("history", "--no-trunc", "--format", "{{.CreatedBy}}", tag).splitlines()


class Copy(Language):
    def test_here_documents_become_files(self):
        self.build("FROM scratch\nARG V=val\nCOPY <<EOF <<'E2' a /here/\nv=$V \"q\" \\$V\nEOF\nv=$V\nE2\nADD <<-one /x/name\n\t\ttwo\n\tone\n", {"a": "a"})
        files = self.files()
        self.assertEqual(files["here/EOF"].content, 'v=val "q" $V\n')
        self.assertEqual(files["here/E2"].content, "v=$V\n")
        self.assertEqual(files["here/a"].content, "a")
        self.assertEqual((files["x/name"].content, files["x/name"].mode, files["x/name"].mtime), ("two\n", 0o644, 0))
        again = self.build("FROM scratch\nARG V=val\nCOPY <<EOF <<'E2' a /here/\nv=$V \"q\" \\$V!\nEOF\nv=$V\nE2\nADD <<-one /x/name\n\ttwo\n\tone\n")
        self.assertEqual(again.count("Using cache"), 1, "another body is another step")

    def test_here_document_is_one_file_for_one_name(self):
        self.assertIn("the destination must be a directory", self.refused("FROM scratch\nCOPY <<A <<B /x\na\nA\nb\nB\n"))
        self.assertIn("its name cannot be that of a file", self.refused("FROM scratch\nCOPY <<.. /x/\na\n..\n"))

    def test_parents_keeps_the_directories_above(self):
        folder = self.context({"a/b/c/f": "f", "a/b/g.md": "g", "d/x.md": "x"})
        os.chmod(os.path.join(folder, "a/b"), 0o700)
        self.build("FROM scratch\nCOPY --parents a/./b/c/f a/b/*.md /one/\nCOPY --parents d ./a/b/./c /two\nCOPY --parents . /all/\n")
        files = self.files()
        self.assertLessEqual({"one/b/c/f", "one/a/b/g.md", "two/d/x.md", "two/c/f", "all/d/x.md", "all/Dockerfile"}, set(files))
        self.assertNotIn("one/g.md", files)
        self.assertEqual([files[n].mode for n in ("one/b", "one/a/b", "one/b/c", "all/a/b")], [0o700, 0o700, 0o755, 0o700])

    def test_exclude_leaves_files_out_of_the_result_and_of_the_cache_key(self):
        files = {"d/a.txt": "a", "d/b.md": "b", "d/s/c.md": "c", "x.md": "x", "y.txt": "y"}
        text = "FROM scratch\nCOPY --exclude=*.md --exclude=**/c.md d /d\nCOPY --exclude=*.md ?.* /f/\n"
        self.build(text, files)
        found = self.files()
        self.assertEqual({n for n in found if n.startswith(("d/", "f/"))}, {"d/a.txt", "d/s", "f/y.txt"})
        again = self.build(text, files | {"d/b.md": "changed", "x.md": "changed"})
        self.assertEqual(again.count("Using cache"), 2)
        again = self.build(text, files | {"d/a.txt": "changed"})
        self.assertEqual(again.count("Using cache"), 0)

    def test_chmod_and_chown_decide_about_the_cache(self):
        self.use_busybox()
        files = {"d/run": "#!/bin/sh\n", "d/s/f": "f"}
        folder = self.context(files)
        os.chmod(os.path.join(folder, "d/run"), 0o755)
        text = f"FROM {sample.BASE}\nCOPY --chmod=u=rwX,go=rX d /x\nCOPY --chmod=0700 --chown=bob d/s/f /f\n"
        self.build(text)
        found = self.files()
        self.assertEqual([found[n].mode for n in ("x", "x/run", "x/s", "x/s/f", "f")], [0o755, 0o755, 0o755, 0o644, 0o700])
        self.assertEqual((found["f"].uid, found["f"].gid), (1000, 1001))
        self.assertEqual(self.build(text).count("Using cache"), 2)
        self.assertEqual(self.build(text.replace("go=rX", "go=")).count("Using cache"), 0)
        self.assertEqual(self.files()["x/s/f"].mode, 0o600)
        self.assertIn("invalid chmod parameter: '99999'", self.refused(f"FROM {sample.BASE}\nCOPY --chmod=99999 d /x\n"))

    def test_link_does_not_follow_links_of_the_image(self):
        self.use_busybox()
        self.build(f"FROM {sample.BASE}\nRUN ln -s /tmp /l && ln -s /tmp /m\nCOPY --link f /l/\nCOPY f /m/\nCOPY --link --chown=1:2 f .\n", {"f": "f"})
        found = self.files()
        self.assertEqual((found["l"].kind, found["m"].kind), ("dir", "link"))
        self.assertLessEqual({"l/f", "tmp/f", "f"}, set(found))
        self.assertEqual(found["f"].uid, 1)


class Add(Language):
    def setUp(self):
        super().setUp()
        self.web = Web()
        self.addCleanup(self.web.stop)

    def test_checksum_is_verified(self):
        self.web.pages["/f.bin"] = (200, {}, b"data")
        url = self.web.url + "/f.bin"
        good = "sha256:" + hashlib.sha256(b"data").hexdigest()
        self.build(f"FROM scratch\nARG SUM={good}\nADD --checksum=$SUM {url} /f\n")
        self.assertEqual(self.files()["f"].content, "data")
        bad = "sha256:" + "0" * 64
        self.assertIn(f"digest mismatch: expected {bad}, got {good}", self.refused(f"FROM scratch\nADD --checksum={bad} {url} /f\n"))
        self.assertIn("multiple sources", self.refused(f"FROM scratch\nADD --checksum={good} {url} {url} /f/\n"))
        self.assertIn("non-HTTP(S) sources", self.refused(f"FROM scratch\nADD --checksum={good} a /f\n", {"a": "a"}))
        self.assertIn("--checksum: ", self.refused(f"FROM scratch\nADD --checksum=sha256:1 {url} /f\n"))

    def test_unpack_decides_about_archives(self):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w:gz") as tar:
            rootfs.add_file(tar, "in/side", "inside")
        self.web.pages["/a.tgz"] = (200, {}, data.getvalue())
        url = self.web.url + "/a.tgz"
        self.build(f"FROM scratch\nADD a.tgz /one/\nADD --unpack=false a.tgz /two/\nADD --unpack {url} /three/\nADD {url} /four/\n",
                   {"a.tgz": data.getvalue()})
        found = self.files()
        self.assertLessEqual({"one/in/side", "two/a.tgz", "three/in/side", "four/a.tgz"}, set(found))
        self.assertNotIn("three/a.tgz", found)


if __name__ == "__main__":
    unittest.main()
