"""COPY, ADD, RUN and commit layers have the DiffID that dockerd gives the same tree.

dockerd 28 writes layer tars without user names and file-type bits, dockerd 20.10 (which is what Debian has) with both:
docs/store.md 7.2. Strata writes the form of 28. So there are three comparisons for each layer, with tests/tools/layer_tar.py,
which knows both forms, between the two:
    dockerd's DiffID  = the tar of dockerd's tree in the form of 20.10 (so the tool is right)
    dockerd's DiffID  = the tar of Strata's tree in the form of 20.10 (so the trees are the same, in every header field)
    Strata's DiffID   = the tar of Strata's tree in the form of 28
"""
import io
import json
import os
import subprocess
import tarfile
import unittest

from tests.support import rootfs, sample
from tests.support.case import StoreCase
from tests.tools import layer_tar

LONG = "long-" + "n" * 120
DEEP = "/".join(["directory-with-a-name"] * 7)

# Each RUN sets the times of all that it touches, directories too, so that two runs can be compared.
STAMP = "touch -h -d @1500000000"
RUNS = {
    "files, modes and owners": f"umask 0; cd /srv && echo 1 > a && mkdir -m 1777 d && echo 2 > d/b && chmod 6755 a && "
                               f"chown 1000:50 d/b && chown 1:2 d && {STAMP} a d/b d /srv",
    "links and nodes": f"cd /srv && echo 1 > a && ln a h && ln -s a s && ln s hs && mkfifo p && mknod c c 1 3 && "
                       f"mknod b b 7 200 && {STAMP} a s p c b /srv",
    "long and foreign names": f"cd /srv && mkdir -p {DEEP} && echo 1 > {LONG} && echo 2 > $(printf 'caf\\303\\251') && "
                              f"echo 3 > $(printf 'raw\\377') && ln -s {LONG} l && find /srv -exec {STAMP} {{}} +",
    "large owner ids": f"cd /srv && echo 1 > a && chown 3000000:2097152 a && {STAMP} a /srv",
    "a file of the image, changed": f"echo more >> /etc/passwd && {STAMP} /etc/passwd /etc",
    "a file of the image, chmod": f"chmod 600 /etc/group && {STAMP} /etc/group /etc",
    "an empty and a sparse file": f"cd /srv && : > e && dd if=/dev/zero of=s bs=1 count=1 seek=5000000 2>/dev/null && "
                                  f"{STAMP} e s /srv",
    "a replaced directory": f"rm -r /var/replaced && mkdir /var/replaced && echo n > /var/replaced/n && "
                            f"{STAMP} /var/replaced/n /var/replaced /var",
}
DELETION = f"rm /etc/obsolete && {STAMP} /etc"  # the time of the whiteout itself is the kernel's
BASE_FILES = {"etc/obsolete": "old\n", "var/replaced/file": "old\n", "srv/.keep": ""}


class LayerDigest(StoreCase):
    def setUp(self):
        super().setUp()
        self.ours, self.theirs = self.strata("ours"), self.dockerd("theirs")
        base = rootfs.busybox(self.path("base.tar"), BASE_FILES)
        for engine in (self.ours, self.theirs):
            engine("import", base, sample.BASE)

    def top_layers(self, tag):
        return [self.store(name).layers(self.store(name).tags()[tag])[-1] for name in ("ours", "theirs")]

    def build(self, files):
        folder = self.context(files) if isinstance(files, dict) else files
        for engine in (self.ours, self.theirs):
            engine("build", "--network", "none", "-t", "built:1", folder)
        return self.top_layers("built:1")

    def assert_same_layer(self, ours, theirs, times_of=()):
        """`times_of`: paths whose time is that of the build; dockerd's is taken for them before trees are compared."""
        self.assertEqual(theirs.diff_id, self.tar_digest(theirs.diff, names=True), "the tool")
        times = {path: os.lstat(os.path.join(theirs.diff, path)).st_mtime_ns for path in times_of}
        self.assert_same_as_tar(ours, theirs.diff_id, times)

    def assert_same_as_tar(self, ours, diff_id, times):
        """Strata's layer has its own DiffID in the form of 28, and `diff_id` in that of 20.10 when those times are set."""
        self.assertEqual(ours.diff_id, self.tar_digest(ours.diff, names=False), "Strata's own layer")
        copy = self.path("copy")
        subprocess.run(["rm", "-rf", copy], check=True)
        subprocess.run(["cp", "-a", ours.diff, copy], check=True)
        for path, time in times.items():
            os.utime(os.path.join(copy, path), ns=(time, time), follow_symlinks=False)
        self.assertEqual(diff_id, self.tar_digest(copy, names=True), "Strata's tree as dockerd 20.10 writes it")

    @staticmethod
    def tar_digest(folder, names):
        return layer_tar.diff_id(folder, names=names).removeprefix("sha256:")

    def test_run(self):
        for name, command in RUNS.items():
            with self.subTest(name):
                self.assert_same_layer(*self.build({"Dockerfile": f"FROM {sample.BASE}\nRUN {command}\n"}))

    def test_run_that_deletes(self):
        """A whiteout's time in the tar is that of the deletion; dockerd's cache directory has that of its extraction."""
        ours, theirs = self.build({"Dockerfile": f"FROM {sample.BASE}\nRUN {DELETION}\n"})
        saved = self.path("saved.tar")
        self.theirs("save", "-o", saved, "built:1")
        with tarfile.open(saved) as archive:
            top = json.load(archive.extractfile("manifest.json"))[0]["Layers"][-1]
            with tarfile.open(fileobj=archive.extractfile(top)) as layer:
                time = layer.getmember("etc/.wh.obsolete").mtime
        self.assert_same_as_tar(ours, theirs.diff_id, {"etc/obsolete": int(time) * 10**9})

    def test_copy_into_the_root(self):
        folder = self.tree_context("FROM " + sample.BASE + "\nCOPY tree /\n")
        self.assert_same_layer(*self.build(folder))

    def test_copy_into_a_new_directory(self):
        folder = self.tree_context("FROM " + sample.BASE + "\nCOPY tree /opt/new/\n")
        self.assert_same_layer(*self.build(folder), times_of=["opt", "opt/new"])

    def test_copy_of_one_file_and_of_a_pattern(self):
        folder = self.tree_context("FROM " + sample.BASE + "\nCOPY tree/file /renamed\n")
        self.assert_same_layer(*self.build(folder))
        folder = self.tree_context("FROM " + sample.BASE + "\nCOPY tree/f* tree/w* /\n")
        self.assert_same_layer(*self.build(folder))

    def test_copy_from_a_stage(self):
        command = f"mkdir /out && cd /out && echo 1 > a && chown 1000:50 a && mkdir d && ln -s a d/s && {STAMP} a d/s d"
        self.assert_same_layer(*self.build(
            {"Dockerfile": f"FROM {sample.BASE} AS made\nRUN {command}\nFROM {sample.BASE}\nCOPY --from=made /out /\n"}))

    def test_add_of_an_archive(self):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            rootfs.add(tar, "new", tarfile.DIRTYPE, 0o1750)
            rootfs.add_file(tar, "new/file", "x" * 10_000, 0o4755, uid=1000, gid=50)
            rootfs.add(tar, "new/null", tarfile.CHRTYPE, 0o666, device=(1, 3))
            rootfs.add(tar, "new/link", tarfile.SYMTYPE, 0o777, "/etc/passwd")
            rootfs.add(tar, "new/hard", tarfile.LNKTYPE, 0o4755, "new/file")
        self.assert_same_layer(*self.build({"Dockerfile": f"FROM {sample.BASE}\nADD a.tgz /\n", "a.tgz": buffer.getvalue()}))

    def tree_context(self, dockerfile):
        folder = self.context({"Dockerfile": dockerfile, "tree/file": "f\n", "tree/d/e/big": b"b" * 3_000_000,
                               "tree/d/empty/": None, "tree/" + LONG: "l\n", "tree/wörld": "w\n"})
        tree = os.path.join(folder, "tree")
        for name, make in (("link", lambda path: os.symlink("d/e/big", path)), ("pipe", os.mkfifo),
                           ("again", lambda path: os.link(os.path.join(tree, "file"), path))):
            if not os.path.lexists(os.path.join(tree, name)):
                make(os.path.join(tree, name))
        os.chmod(os.path.join(tree, "d"), 0o2750)
        os.chmod(os.path.join(tree, "file"), 0o755)
        for path, folders, files in os.walk(tree, topdown=False):
            for name in folders + files:
                os.utime(os.path.join(path, name), ns=(1_400_000_000_999_999_999,) * 2, follow_symlinks=False)
        return folder

    def test_commit(self):
        command = f"cd /srv && echo 1 > a && ln a b && mkdir d && chown 1000:50 d && {STAMP} a d /srv"
        for engine in (self.ours, self.theirs):
            engine("run", "--name", "one", "--network", "none", sample.BASE, "sh", "-c", command)
            engine("commit", "one", "committed:1")
            engine("rm", "one")
        self.assert_same_layer(*self.top_layers("committed:1"))


if __name__ == "__main__":
    unittest.main()
