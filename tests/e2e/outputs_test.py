"""Where a build's result goes: -o of every type, --squash, --iidfile and --metadata-file; and what stays when it fails."""
import io
import json
import os
import stat
import struct
import subprocess
import tarfile
import unittest

from tests.support import rootfs, sample
from tests.support.case import StoreCase

FROM = f"FROM {sample.BASE}\n"


class Outputs(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)

    def run_build(self, dockerfile, *options, files=None, **more):
        folder = self.context({"Dockerfile": dockerfile, **(files or {})})
        return self.engine.run("build", "--network", "none", *options, folder, **more)

    def build(self, dockerfile, *options, **more):
        result = self.run_build(dockerfile, *options, **more)
        self.assertEqual(result.code, 0, result)
        return result

    def images(self):
        """Those with a name: the images of the steps are there in any case."""
        names = self.engine("images", "--format", "{{.Repository}}:{{.Tag}}").split()
        return [name for name in names if name != "<none>:<none>"]

    def stream(self, dockerfile, *options):
        """The bytes that a build writes to standard output, and what it says meanwhile."""
        folder = self.context({"Dockerfile": dockerfile})
        done = subprocess.run([*self.engine.command(), "build", "--network", "none", *options, folder], env=self.engine.environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr.decode()

    # --- local

    TREE = {"t/f": "f\n", "t/d/x": "x\n"}

    def test_local_keeps_modes_times_links_and_xattrs_and_gives_the_user_all(self):
        folder = self.context({"able": "x"})
        capability = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
        os.setxattr(os.path.join(folder, "able"), "security.capability", capability)
        self.build(FROM + "COPY able /o/able\nRUN mkdir /o/d && echo f > /o/f && chown 7:8 /o/f /o/d && chmod 4755 /o/f && ln /o/f /o/hard && ln -s /nowhere /o/soft"
                   " && touch -d '2001-02-03 04:05:06' /o/f /o/d && chmod 1777 /o/d && mkfifo /o/fifo\nFROM scratch\nCOPY --from=0 /o /\n",
                   "-o", self.path("out"), "-t", "unused:1")
        f, d = os.stat(self.path("out/f")), os.stat(self.path("out/d"))
        self.assertEqual((stat.S_IMODE(f.st_mode), f.st_uid, f.st_gid, f.st_nlink), (0o4755, 0, 0, 2))
        self.assertEqual(os.stat(self.path("out/hard")).st_ino, f.st_ino)
        self.assertEqual((stat.S_IMODE(d.st_mode), d.st_uid, int(d.st_mtime), int(f.st_mtime)), (0o1777, 0, 981173106, 981173106))
        self.assertEqual(os.readlink(self.path("out/soft")), "/nowhere")
        self.assertEqual(os.getxattr(self.path("out/able"), "security.capability"), capability)
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("out/fifo")).st_mode))
        self.assertEqual(self.images(), [sample.BASE], "only an output of type image gets the names")
        self.assertEqual(stat.S_IMODE(os.stat(self.path("out")).st_mode), 0o755)
        self.assertEqual([n for n in os.listdir(self.folder) if n.startswith(".strata")], [])
        self.assert_store_sound()

    def test_local_into_a_directory_that_is_there(self):
        out = self.path("out")
        os.makedirs(out + "/d/kept")
        os.makedirs(out + "/f/was/a/directory")
        os.makedirs(self.path("elsewhere"))
        os.symlink(self.path("elsewhere"), out + "/link")
        os.symlink("/etc/passwd", out + "/file")
        self.build("FROM scratch\nCOPY t /\n", "-o", f"type=local,dest={out}",
                   files={"t/f": "f\n", "t/d/x": "x\n", "t/link/inside": "i\n", "t/file": "new\n"})
        self.assertEqual(sorted(os.listdir(out)), ["d", "f", "file", "link"])
        self.assertEqual(sorted(os.listdir(out + "/d")), ["kept", "x"])
        self.assertTrue(os.path.isfile(out + "/f"))
        self.assertEqual(os.listdir(self.path("elsewhere")), [], "a link in the destination is not followed")
        self.assertFalse(os.path.islink(out + "/link"))
        self.assertFalse(os.path.islink(out + "/file"))

    def test_nothing_half_made(self):
        os.makedirs(self.path("full"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", self.path("full")], check=True)
        self.addCleanup(subprocess.run, ["umount", self.path("full")])
        with open(self.path("full/old"), "w") as file:
            file.write("old")
        big = {"t/a": "a", "t/big": b"x" * 1_000_000}
        for output in (f"type=local,dest={self.path('full')}", f"type=local,dest={self.path('full/new')}", f"type=tar,dest={self.path('full/x.tar')}",
                       f"type=docker,dest={self.path('full/x.tar')}"):
            with self.subTest(output):
                result = self.run_build("FROM scratch\nCOPY t /\n", "-o", output, "-o", "type=image", "-t", "never:1", "--iidfile", self.path("iid"),
                                        files=big)
                self.assertEqual(result.code, 1, result)
                self.assertRegex(result.err, r"no space left on device\n$")
                self.assertEqual(len(result.err.splitlines()), 1, result)
                self.assertEqual(os.listdir(self.path("full")), ["old"])
                self.assertFalse(os.path.exists(self.path("iid")))
                self.assertNotIn("never:1", self.images())
        result = self.run_build("FROM scratch\nCOPY nope /\n", "-o", self.path("never"), "-o", f"type=tar,dest={self.path('never.tar')}")
        self.assertEqual(result.code, 1)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("never")], [])

    # --- streams

    def test_a_tar_in_a_file_and_on_standard_output(self):
        dockerfile = FROM + "RUN mkdir /o && echo hi > /o/f && chown 5:6 /o/f\nFROM scratch\nCOPY --from=0 /o /\n"
        out, said = self.stream(dockerfile, "-o", "-")
        self.build(dockerfile, "--output", f"type=tar,dest={self.path('x.tar')}")
        with open(self.path("x.tar"), "rb") as file:
            self.assertEqual(file.read(), out)
        self.assertIn("Successfully built ", said)
        with tarfile.open(fileobj=io.BytesIO(out)) as tar:
            self.assertEqual([(m.name, m.uid, m.gid) for m in tar], [("f", 5, 6)])
        empty, _ = self.stream("FROM scratch\nLABEL a=b\n", "-o", "type=tar")
        with tarfile.open(fileobj=io.BytesIO(empty)) as tar:
            self.assertEqual(tar.getnames(), [])

    def test_archives_load_again(self):
        for kind in ("docker", "oci"):
            self.build(FROM + f"LABEL kind={kind}\n", "-o", f"type={kind},dest={self.path(kind)},name=from/{kind}:2", "-t", "not:used",
                       "--metadata-file", self.path("meta"), "--iidfile", self.path("iid"))
            self.assertEqual(self.images(), [sample.BASE])
            with open(self.path("meta")) as file:
                meta = json.load(file)
            other = self.strata("other-" + kind)
            self.assertEqual(other("load", "-i", self.path(kind)).splitlines()[-1], f"Loaded image: from/{kind}:2")
            with open(self.path("iid")) as file:
                self.assertEqual(other("image", "inspect", "--format", "{{.Id}}", f"from/{kind}:2"), file.read())
            with tarfile.open(self.path(kind)) as tar:
                manifests = json.load(tar.extractfile("index.json"))["manifests"]
            self.assertEqual(meta["containerimage.digest"], manifests[0]["digest"])
            self.assertEqual(meta["containerimage.descriptor"]["size"], manifests[0]["size"])
            self.assertEqual(meta["image.name"], f"docker.io/from/{kind}:2")
        self.assertEqual(sorted(os.listdir(self.folder)), sorted(["base.tar", "context", "docker", "iid", "meta", "oci", "other-docker", "other-oci", "store"]))

    def test_several_outputs_and_the_image(self):
        result = self.build("FROM scratch\nCOPY t /\n", "-o", self.path("dir"), "-o", f"type=docker,dest={self.path('x.tar')}", "-o", "type=image,name=named:1",
                            "-o", "type=docker", "-t", "tagged:1", "--metadata-file", self.path("meta"), files=self.TREE)
        self.assertIn("Successfully tagged named:1\nSuccessfully tagged tagged:1\n", result.out)
        self.assertEqual(sorted(os.listdir(self.path("dir"))), ["d", "f"])
        self.assertEqual(sorted(self.images()), sorted([sample.BASE, "named:1", "tagged:1"]))
        with open(self.path("meta")) as file:
            meta = json.load(file)
        self.assertEqual(meta["containerimage.config.digest"], self.engine("image", "inspect", "--format", "{{.Id}}", "named:1"))
        self.assertEqual(meta["image.name"], "docker.io/library/named:1,docker.io/library/tagged:1")

    def test_what_makes_no_sense(self):
        for options, code, message in (
                (["-o", "type=local"], 125, "output directory is required for local exporter"),
                (["-o", "dest=x,name=y"], 125, "type is required for output"),
                (["-o", "type=s3"], 125, 'output type "s3" is not supported'),
                (["-o", "type=registry"], 1, "tag is needed when pushing to registry"),
                (["--push"], 1, "tag is needed when pushing to registry"),
                (["-o", "-", "-o", "type=oci"], 1, "only one output can go to standard output"),
                (["-o", "type=tar,dest=/nope/x"], 1, 'invalid output path: directory "/nope" does not exist'),
                (["-o", f"{self.path('base.tar')}"], 1, "base.tar is a file"),
                (["--progress", "loud"], 125, "must be auto, classic, plain, rawjson or tty")):
            with self.subTest(options):
                result = self.run_build(FROM, *options)
                self.assertEqual(result.code, code, result)
                self.assertIn(message, result.err)

    # --- squash

    def test_squash_makes_one_layer_above_the_base(self):
        self.build(FROM + "RUN mkdir /var/replaced && echo > /etc/obsolete && echo old > /var/replaced/old\n", "-t", "base:1")
        dockerfile = "FROM base:1\n" + ("RUN mkdir /d && echo 1 > /d/one && echo x > /gone\nRUN rm /gone && echo 2 > /d/two && rm /etc/obsolete\n"
                             "RUN rm -r /var/replaced && mkdir /var/replaced && echo new > /var/replaced/file\nENV A=1\n")
        plain = self.build(dockerfile, "-t", "plain:1")
        squashed = self.build(dockerfile, "--squash", "-t", "squashed:1", "--iidfile", self.path("iid"))
        base = json.loads(self.engine("image", "inspect", "base:1"))[0]
        one = json.loads(self.engine("image", "inspect", "plain:1"))[0]
        two = json.loads(self.engine("image", "inspect", "squashed:1"))[0]
        self.assertEqual(two["RootFS"]["Layers"][:-1], base["RootFS"]["Layers"])
        self.assertEqual(two["Config"]["Env"], one["Config"]["Env"])
        with open(self.path("iid")) as file:
            self.assertEqual(file.read(), two["Id"])
        self.assertIn(f"Successfully built {two['Id'][7:19]}\n", squashed.out)
        self.assertNotIn(two["Id"][7:19], plain.out)
        lines = [json.loads(line) for line in self.engine("history", "--no-trunc", "--format", "{{json .}}", "squashed:1").splitlines()]
        self.assertEqual(lines[0]["Comment"], f"merge {one['Id']} to {base['Id']}")
        self.assertEqual([line["Size"] for line in lines[1:5]], ["0B"] * 4)
        for name in ("plain:1", "squashed:1"):
            folder = self.context({"Dockerfile": f"FROM {name}\n"}, "again")
            self.engine("build", "-o", f"type=tar,dest={self.path(name)}", folder)
        with open(self.path("plain:1"), "rb") as a, open(self.path("squashed:1"), "rb") as b:
            self.assertEqual(a.read(), b.read(), "the same files, byte for byte")
        self.assert_store_sound()

    def test_squash_on_nothing(self):
        self.build("FROM scratch\nCOPY t /\nCOPY t/f /g\n", "--squash", "-t", "s:1", files=self.TREE)
        shown = json.loads(self.engine("image", "inspect", "s:1"))[0]
        self.assertEqual(len(shown["RootFS"]["Layers"]), 1)
        comment = self.engine("history", "--no-trunc", "--format", "{{.Comment}}", "s:1").splitlines()[0]
        self.assertRegex(comment, "^create new from sha256:[0-9a-f]{64}$")
        self.assert_store_sound()


if __name__ == "__main__":
    unittest.main()
