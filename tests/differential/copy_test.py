"""cp between a container and this machine: Strata beside a real dockerd, on stores of their own."""
import io
import os
import re
import shutil
import tarfile
import unittest

from tests.support import rootfs, tree
from tests.support.case import StoreCase
from tests.support.dockerd import Dockerd

MAKE = ("mkdir -p /d/sub && echo one > /d/one && ln -s one /d/link && ln -s sub /d/dirlink && ln /d/one /d/two && echo x > /d/sub/x && "
        "chmod 4750 /d/one && chown -R 7:8 /d/sub && mkfifo /d/fifo && mkdir /o && ln -s ../../../../../../../../etc /o/out && mkdir /e && echo old > /e/one && "
        "ln -s /nowhere /d/dangling && mkdir /e/sub /e/x && touch /e/d")
# The commands; LOCAL is a folder with the same files on both sides. What the last one leaves is compared.
SCENARIOS = {
    "a file out": [("cp", "con:/d/one", "LOCAL/new")],
    "a file out into a directory": [("cp", "con:/d/one", "LOCAL/dir")],
    "a file out onto a file": [("cp", "con:d/one", "LOCAL/file")],
    "a file out with a slash at the end": [("cp", "con:/d/one", "LOCAL/none/")],
    "a file out to nowhere": [("cp", "con:/d/one", "LOCAL/none/new")],
    "a directory out": [("cp", "con:/d", "LOCAL/new")],
    "a directory out into a directory": [("cp", "con:/d", "LOCAL/dir")],
    "a directory out into a directory, twice": [("cp", "con:/d", "LOCAL/dir"), ("cp", "con:/d", "LOCAL/dir")],
    "its content out": [("cp", "con:/d/.", "LOCAL/dir")],
    "its content out to a new name": [("cp", "con:/d/.", "LOCAL/new")],
    "a directory out onto a file": [("cp", "con:/d", "LOCAL/file")],
    "a link out": [("cp", "con:/d/link", "LOCAL/new")],
    "a link out, followed": [("cp", "-L", "con:/d/link", "LOCAL/new")],
    "a link to a directory out": [("cp", "con:/d/dirlink", "LOCAL/new")],
    "a link to a directory out, followed": [("cp", "-L", "con:/d/dirlink", "LOCAL/new")],
    "a link to a directory with a slash": [("cp", "con:/d/dirlink/", "LOCAL/new")],
    "a link that leads out": [("cp", "con:/o/out/passwd", "LOCAL/new")],
    "nothing out": [("cp", "con:/none", "LOCAL/new")],
    "a file as a directory": [("cp", "con:/d/one/.", "LOCAL/new")],
    "a file in": [("cp", "LOCAL/file", "con:/new")],
    "a file in into a directory": [("cp", "LOCAL/file", "con:/e")],
    "a file in onto a file": [("cp", "LOCAL/file", "con:/e/one")],
    "a file in through a link": [("cp", "LOCAL/file", "con:/d/link")],
    "a file in through a link to a directory": [("cp", "LOCAL/file", "con:/d/dirlink")],
    "a file in to nowhere": [("cp", "LOCAL/file", "con:/none/new")],
    "a file in with a slash at the end": [("cp", "LOCAL/file", "con:/none/")],
    "a file in over a directory": [("cp", "LOCAL/sub", "con:/e")],
    "a directory in": [("cp", "LOCAL/dir", "con:/new")],
    "a directory in into a directory": [("cp", "LOCAL/dir", "con:/e")],
    "its content in": [("cp", "LOCAL/dir/.", "con:/e")],
    "its content in to a new name": [("cp", "LOCAL/dir/.", "con:/new")],
    "a directory in onto a file": [("cp", "LOCAL/dir", "con:/e/one")],
    "a directory in over a file of its name": [("cp", "LOCAL/d", "con:/e")],
    "nothing in": [("cp", "LOCAL/none", "con:/new")],
    "in with the container's user": [("cp", "-a", "LOCAL/dir", "con:/new")],
    "a tar in": [("cp", "-", "con:/e")],
    "a tar in through a link": [("cp", "-", "con:/d/dirlink")],
    "a tar in onto a file": [("cp", "-", "con:/d/one")],
    "a tar in to a new name": [("cp", "-", "con:/new")],
    "a tar in to nowhere": [("cp", "-", "con:/none/new")],
    "no container": [("cp", "LOCAL/file", "LOCAL/new")],
    "two containers": [("cp", "con:/d", "con:/new")],
    "a container that is not there": [("cp", "nobody:/d", "LOCAL/new"), ("cp", "LOCAL/file", "nobody:/d")],
    "nothing named": [("cp",), ("cp", "x")],
}


def a_tar():
    """Files that are new, replace one, and go into a directory that is there."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, text in (("one", b"from the tar\n"), ("sub/y", b"y\n"), ("fresh", b"fresh\n")):
            rootfs.add_file(tar, name, text, uid=21, gid=22)
    return data.getvalue()


TAR = a_tar()


class Copies(StoreCase):
    def local(self, name):
        folder = self.path(name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder + "/dir/below")
        os.makedirs(folder + "/d")
        for path, text in (("file", "file\n"), ("dir/f", "f\n"), ("dir/below/g", "g\n"), ("sub", "a file\n")):
            with open(os.path.join(folder, path), "w") as file:
                file.write(text)
        os.chown(folder + "/dir/f", 12, 13)
        os.chmod(folder + "/file", 0o640)
        os.symlink("f", folder + "/dir/l")
        return folder

    def outcome(self, engine, commands, folder):
        """What was said, what the local folder holds, and what the container holds."""
        engine.run("rm", "-f", "con")
        engine("create", "--name", "con", "-u", "root", "made:1", "true")
        said = []
        for command in commands:
            result = engine.run(*(word.replace("LOCAL", folder) for word in command), stdin=TAR)
            text = (result.out + result.err).replace(folder, "LOCAL").replace("docker", "strata")
            text = re.sub(r"/\S*/merged/", "/", text)
            # docker's words for these name the directory it unpacks into, not the file.
            text = re.sub(r'(directory) "[^"]*"', r"\1", text.replace("Error processing tar file(exit status 1): ", ""))
            said.append((command, result.code, text))
        export = self.path("export.tar")
        engine("export", "-o", export, "con")
        with tarfile.open(export) as tar:
            inside = [(m.name, m.type, oct(m.mode & 0o7777), m.uid, m.gid, m.linkname, m.size and tar.extractfile(m).read())
                      for m in tar.getmembers() if not m.name.startswith(("bin/", "dev", "proc", "sys", "etc", ".dockerenv"))]
        return said, tree.snapshot(folder, mtimes=False), sorted(inside)

    def test_they_do_the_same(self):
        ours = self.strata("ours")
        with Dockerd(self.path("theirs")) as theirs:
            for engine in (ours, theirs):
                engine("import", rootfs.busybox(self.path("base.tar")), "bb:1")
                engine("build", "--network", "none", "-q", "-t", "made:1", self.context({"Dockerfile": f"FROM bb:1\nRUN {MAKE}\n"}))
            for name, commands in SCENARIOS.items():
                with self.subTest(name):
                    expected = self.outcome(theirs, commands, self.local("local"))
                    found = self.outcome(ours, commands, self.local("local"))
                    self.assertEqual(found[0], expected[0])
                    self.assertEqual(tree.differences(found[1], expected[1]), [])
                    self.assertEqual(found[2], expected[2])
        self.assert_store_sound("ours")


if __name__ == "__main__":
    unittest.main()
