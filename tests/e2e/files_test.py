"""Looking into images and containers without running them: ls, cat, export, image mount."""
import os
import tarfile
import unittest

from tests.support import mounts, rootfs, sample
from tests.support.case import StoreCase

HOSTILE = ("FROM " + sample.BASE + "\n"
           "RUN mkdir -p /d && ln -s ../../../../../../etc/passwd /d/out && ln -s /d /e && echo x > \"$(printf '/d/a\\nb')\" "
           "&& mkfifo /d/fifo && echo one > /d/one && ln /d/one /d/two && chown 7:8 /d/one && chmod 4755 /d/one\n"
           "RUN echo \"root-of-image\" > /etc/passwd && rm /d/two\n")


class Files(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)
        self.engine("build", "--network", "none", "-t", "look:1", self.context({"Dockerfile": HOSTILE}))

    def refused(self, *arguments):
        result = self.engine.run(*arguments)
        self.assertEqual(result.code, 1, result)
        self.assertEqual(result.err.count("\n"), 1, result)
        return result.err

    def test_ls_lists_as_a_process_inside_would_see(self):
        self.assertEqual(self.engine("ls", "look:1", "/d").splitlines(), ["a\\x0ab", "fifo", "one", "out"])
        self.assertEqual(self.engine("ls", "look:1", "/e"), self.engine("ls", "look:1", "d"))
        self.assertEqual(self.engine("ls", "look:1", "/d/one"), "/d/one".rpartition("/")[2])
        line = self.engine("ls", "-l", "look:1", "/d/one")
        self.assertRegex(line, r"^-rwsr-xr-x 7:8 4 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d one$")
        self.assertRegex(self.engine("ls", "-l", "look:1", "/d/out"), r"^lrwxrwxrwx 0:0 \d+ .* out -> (\.\./)+etc/passwd$")
        self.assertIn("etc", self.engine("ls", "look:1").splitlines())
        self.assertIn("look:1: no such file or directory: /nowhere", self.refused("ls", "look:1", "/nowhere"))
        self.assertIn("No such image or container: nothing", self.refused("ls", "nothing"))

    def test_cat_never_leaves_the_image(self):
        self.assertEqual(self.engine("cat", "look:1", "/d/out"), "root-of-image")
        self.assertEqual(self.engine("cat", "look:1", "../../etc/passwd", "/d/one"), "root-of-image\none")
        self.assertIn("is a directory", self.refused("cat", "look:1", "/d"))
        self.assertIn("is not a regular file", self.refused("cat", "look:1", "/d/fifo"))

    def test_a_container_is_seen_with_what_it_changed(self):
        self.engine("run", "--name", "con", "look:1", "sh", "-c", "echo mine > /d/mine; rm /d/one")
        self.assertEqual(self.engine("ls", "con", "/d").splitlines(), ["a\\x0ab", "fifo", "mine", "out"])
        self.assertEqual(self.engine("cat", "con", "/d/mine"), "mine")
        self.assertEqual(self.engine("cat", "look:1", "/d/one"), "one")

    def test_export_gives_all_files_once(self):
        self.engine("run", "--name", "con", "look:1", "sh", "-c", "echo mine > /d/mine; ln /d/mine /d/other")
        path = self.path("c.tar")
        self.engine("export", "-o", path, "con")
        with tarfile.open(path) as tar:
            members = {m.name: m for m in tar.getmembers()}
            self.assertEqual(len(members), len(tar.getnames()), "a name twice")
            self.assertEqual(tar.extractfile("d/mine").read(), b"mine\n")
        self.assertTrue(members["d/other"].islnk())
        self.assertEqual((members["d/one"].mode, members["d/one"].uid, members["d/one"].gid), (0o4755, 7, 8))
        self.assertTrue(members["d/fifo"].isfifo())
        self.assertFalse([name for name in members if ".wh." in name])
        import_again = self.engine("import", path, "again:1")
        self.assertTrue(import_again.startswith("sha256:"))
        self.assertEqual(self.engine("cat", "again:1", "/d/mine"), "mine")
        self.assertEqual([name for name in os.listdir(self.folder) if ".part-" in name], [])

    def test_cp_with_a_running_container_and_a_volume(self):
        os.mkdir(self.path("shared"))
        self.engine("run", "-d", "--name", "live", "-v", self.path("shared") + ":/vol", "look:1", "sleep", "1000")
        self.addCleanup(self.engine.run, "rm", "-f", "live")
        with open(self.path("f"), "w") as file:
            file.write("from outside\n")
        for target in ("live:/d/in", "live:/vol/in"):
            self.engine("cp", self.path("f"), target)
            self.engine("cp", target, self.path("back"))
            with open(self.path("back")) as file:
                self.assertEqual(file.read(), "from outside\n")
        self.assertEqual(os.listdir(self.path("shared")), ["in"])
        self.assertIn("A /d/in", self.engine("diff", "live").splitlines())
        # A link that a process inside makes does not lead out of the container.
        self.engine("cp", self.path("f"), "live:/d/out")
        self.assertEqual(self.engine("cat", "live", "/etc/passwd"), "from outside")
        self.engine("stop", "-t", "0", "live")
        self.engine("cp", self.path("f"), "live:/vol/after")
        self.assertEqual(sorted(os.listdir(self.path("shared"))), ["after", "in"])
        tar = self.engine.run("cp", "live:/d", "-")
        self.assertEqual(tar.code, 0, tar)
        self.assertIn("d/in", tar.out)

    def test_export_leaves_nothing_behind_when_it_fails(self):
        path = self.path("kept.tar")
        with open(path, "w") as file:
            file.write("kept")
        self.assertIn("No such container: nobody", self.refused("export", "-o", path, "nobody"))
        with open(path) as file:
            self.assertEqual(file.read(), "kept")
        self.assertEqual([name for name in os.listdir(self.folder) if ".part-" in name], [])

    def test_a_mounted_image_is_read_only_and_goes_away(self):
        where = self.engine("image", "mount", "look:1")
        self.addCleanup(self.engine.run, "image", "umount", where)
        with open(os.path.join(where, "d/one")) as file:
            self.assertEqual(file.read(), "one\n")
        with self.assertRaises(OSError):
            open(os.path.join(where, "new"), "w")
        self.assertEqual(self.engine("image", "umount", "look:1"), where)
        self.assertEqual(mounts.below(self.folder), [])
        self.assertFalse(os.path.exists(where))
        self.assertIn("look:1 is not mounted", self.refused("image", "umount", "look:1"))
        os.mkdir(self.path("here"))
        self.assertEqual(self.engine("image", "mount", "look:1", self.path("here")), os.path.realpath(self.path("here")))
        self.engine("image", "umount", self.path("here"))
        self.assertEqual(os.listdir(self.path("here")), [])

    def test_an_image_without_layers_is_an_empty_directory(self):
        self.engine("build", "-t", "empty:1", self.context({"Dockerfile": "FROM scratch\nLABEL a=b\n"}, "empty"))
        where = self.engine("image", "mount", "empty:1")
        self.addCleanup(self.engine.run, "image", "umount", where)
        self.assertEqual((os.listdir(where), oct(os.stat(where).st_mode)), ([], "0o40755"))
        with self.assertRaises(OSError):
            open(os.path.join(where, "new"), "w")
        self.engine("image", "umount", "empty:1")

    def test_a_mounted_image_is_not_removed(self):
        self.engine("build", "-t", "held:1", self.context({"Dockerfile": "FROM scratch\nCOPY d /d\n", "d/x": "x"}, "held"))
        image = self.engine("image", "inspect", "--format", "{{.Id}}", "held:1")
        where = self.engine("image", "mount", "held:1")
        self.addCleanup(self.engine.run, "image", "umount", where)
        self.assertIn(f'unable to remove repository reference "held:1" (must force) - its image {image[7:19]} is mounted at {where}',
                      self.refused("rmi", "held:1"))
        self.assertIn(f"(cannot be forced) - image is mounted at {where}", self.refused("rmi", "-f", image))
        self.assertEqual(self.engine("rmi", "-f", "held:1"), "Untagged: held:1")
        self.assertNotIn(image, self.engine("image", "prune", "-f"))
        with open(os.path.join(where, "d/x")) as file:
            self.assertEqual(file.read(), "x")
        self.engine("image", "umount", image)
        self.assertIn(f"Deleted: {image}", self.engine("rmi", image))


if __name__ == "__main__":
    unittest.main()
