"""Archives of images go to the programs of the field and come back from them, and stay the images that they were."""
import json
import os
import shutil
import subprocess

from tests.support import rootfs
from tests.support.case import StoreCase

IMAGES = ("app:1", "app:2")


class Archives(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.engine("import", rootfs.busybox(self.path("base.tar")), IMAGES[0])
        self.engine("build", "--network", "none", "-t", IMAGES[1], self.context(
            {"Dockerfile": "FROM app:1\nCOPY d /d\nRUN rm -r /home && ln /d/x /d/hard && chmod 4755 /d/x\nENV A=b\n",
             "d/x": "x" * 5000, "d/e/y": "y\n"}))
        self.number = 0

    def save(self, name, *arguments):
        self.engine("save", "-o", self.path(name), *arguments)
        return self.path(name)

    def call(self, *words, **options):
        """A program, its folders below the test's; gives what it said."""
        os.makedirs(self.path("run"), exist_ok=True)
        environment = os.environ | {"XDG_RUNTIME_DIR": self.path("run"), "TMPDIR": self.path("run"), "HOME": self.path("run")}
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True,
                              timeout=300, **options)
        self.assertEqual(done.returncode, 0, f"{' '.join(words)}\n{done.stdout}")
        return done.stdout

    def assert_loads(self, archive, names, same_config=True):
        """The archive gives a new store the images `names` (name in the archive -> name here), with their layers and,
        unless the program rewrote it, their config."""
        self.number += 1
        root = f"loaded{self.number}"
        self.strata(root)("load", "-i", archive)
        ours, loaded = self.store(), self.store(root)
        self.assertEqual(set(loaded.tags()), set(names))
        for name, image in loaded.tags().items():
            original = ours.tags()[names[name]]
            if same_config:
                self.assertEqual(image, original, name)
            self.assertEqual(loaded.diff_ids(image), ours.diff_ids(original), name)
        self.assert_store_sound(root, "--expect-clean")

    # ---- dockerd

    def test_dockerd_loads_and_saves(self):
        docker = self.dockerd("docker")
        names = {name: name for name in IMAGES}
        for form in ("docker", "docker-archive"):
            with self.subTest(form):
                archive = self.save(form + ".tar", "--format", form, "app")
                self.assertEqual(docker("load", "-i", archive), self.strata("out" + form)("load", "-i", archive))
                for name in IMAGES:
                    self.assertEqual(docker("inspect", "-f", "{{.Id}}", name), self.engine("inspect", "-f", "{{.Id}}", name))
                docker("save", "-o", self.path("back.tar"), "app")
                self.assert_loads(self.path("back.tar"), names)
                docker("rmi", *IMAGES)
        self.assertEqual(docker("images", "-aq"), "")

    def test_dockerd_gives_images_of_before_1_10_the_same_ids(self):
        os.makedirs(self.path("old/a"))
        os.makedirs(self.path("old/b"))
        for name, text in (("a", {"id": "a", "created": "2015-01-02T03:04:05.5Z", "docker_version": "1.7.0", "author": "me",
                                  "container_config": {"Cmd": ["/bin/sh", "-c", "#(nop) ADD <x>"]}, "config": {"Env": ["A=b"]},
                                  "architecture": "amd64", "os": "linux", "Size": 12, "foo": 1}),
                           ("b", {"id": "b", "parent": "a", "created": "2015-01-03T03:04:05Z", "comment": "hi", "zeta": 1,
                                  "container_config": {"Cmd": ["x"]}, "docker_version": "1.9.1", "config": {"Env": ["A=b & c"]},
                                  "architecture": "amd64", "os": "linux", "Size": 1, "foo": {"z": 1, "a": [1, 2]}})):
            with open(self.path("old", name, "json"), "w") as file:
                json.dump(text, file)
            self.call("tar", "-cf", self.path("old", name, "layer.tar"), "-C", self.path("context/d"), ".")
        with open(self.path("old/repositories"), "w") as file:
            json.dump({"old": {"1": "b", "0": "a"}}, file)
        self.call("tar", "-cf", self.path("old.tar"), "-C", self.path("old"), ".")
        docker, other = self.dockerd("docker"), self.strata("other")
        docker("load", "-i", self.path("old.tar"))
        other("load", "-i", self.path("old.tar"))
        for name in ("old:0", "old:1"):
            self.assertEqual(other("inspect", "-f", "{{.Id}} {{.Parent}}", name), docker("inspect", "-f", "{{.Id}} {{.Parent}}", name))

    def test_messages_are_dockerds(self):
        docker = self.dockerd("docker")
        archive = self.save("app.tar", "app")
        docker("load", "-i", archive)
        for arguments in (("save", "nope"), ("save", "nope:1"), ("save", "app:9"), ("save", "sha256:000000000000"), ("save", "Bad"),
                          ("save", "-o", "/nope/x", "app"), ("save", "-o", "/dev/null", "app"), ("save",),
                          ("save", "app@sha256:" + "0" * 64), ("load", "x"), ("load", "-i", "/nope")):
            with self.subTest(arguments):
                ours, theirs = self.engine.run(*arguments), docker.run(*arguments)
                self.assertEqual((ours.code, ours.out), (theirs.code, theirs.out))
                self.assertEqual(ours.err.replace("strata", "docker"), theirs.err)
        for engine in (self.engine, docker):
            engine("tag", "app:1", "app:2")
        self.assertEqual(self.engine("load", "-i", archive), docker("load", "-i", archive))

    # ---- containerd

    def test_containerd_imports_and_exports(self):
        docker = self.dockerd("docker")
        control = ("ctr", "-a", os.path.join(docker.run_dir, "run/containerd/containerd.sock"), "-n", "strata", "images")
        full = ["docker.io/library/" + name for name in IMAGES]
        for form in ("docker", "oci"):
            with self.subTest(form):
                self.call(*control, "import", self.save(form + ".tar", "--format", form, "app"))
                self.assertEqual(self.call(*control, "ls", "-q").split(), full)
                out = self.path(form + "-back.tar")
                self.call(*control, "export", out, *full)
                self.assert_loads(out, {name: name for name in IMAGES})
                self.call(*control, "rm", *full)

    # ---- skopeo, umoci

    def test_skopeo_copies_every_form_into_every_form(self):
        """docker's configs are rewritten on the way into an OCI layout, unless they come out of one."""
        whole, old = self.save("docker.tar", "app"), self.save("old.tar", "--format", "docker-archive", "app")
        oci, layout = self.save("oci.tar", "--format", "oci", "app:2"), self.save("layout", "--format", "oci-dir", "app:2")
        full = "docker.io/library/app:2"
        for source, same in ((f"docker-archive:{whole}:app:2", False), (f"docker-archive:{old}:app:2", False),
                             (f"oci-archive:{oci}", True), (f"oci:{layout}:{full}", True), (f"oci-archive:{whole}:2", True)):
            for kind in ("docker-archive", "oci-archive", "oci"):
                with self.subTest(source=source, kind=kind):
                    out = self.path("copy")
                    self.call("skopeo", "--insecure-policy", "--tmpdir", self.path(), "copy", "-q", source, f"{kind}:{out}:copied:7")
                    self.assert_loads(out, {"copied:7": "app:2"}, same or kind == "docker-archive")
                    shutil.rmtree(out) if os.path.isdir(out) else os.remove(out)

    def test_umoci_unpacks_and_repacks(self):
        layout = self.save("layout", "--format", "oci-dir", "app:2")
        full = "docker.io/library/app:2"
        self.call("umoci", "unpack", "--image", f"{layout}:{full}", self.path("bundle"))
        self.assertEqual(os.stat(self.path("bundle/rootfs/d/x")).st_mode & 0o7777, 0o4755)
        self.assertEqual(os.stat(self.path("bundle/rootfs/d/x")).st_ino, os.stat(self.path("bundle/rootfs/d/hard")).st_ino)
        self.assertFalse(os.path.exists(self.path("bundle/rootfs/home")))
        self.assert_loads(layout, {"app:2": "app:2"})
        with open(self.path("bundle/rootfs/new"), "w") as file:
            file.write("new\n")
        self.call("umoci", "repack", "--image", f"{layout}:repacked:1", self.path("bundle"))
        other = self.strata("other")
        other("load", "-i", layout)
        store = self.store("other")
        self.assertEqual(store.diff_ids(store.tags()["repacked:1"])[:-1], store.diff_ids(store.tags()["app:2"]))
        self.assertEqual(other("run", "--rm", "--network", "none", "repacked:1", "cat", "/new"), "new")
        self.assert_store_sound("other", "--expect-clean")

    # ---- podman, buildah

    def containers(self, program):
        return (program, "--root", self.path("containers"), "--runroot", self.path("run/containers"), "--storage-driver", "vfs")

    def ids(self, listing):
        return set(listing.replace("sha256:", "").split())

    def test_podman_loads_and_saves(self):
        podman = self.containers("podman")
        expected = {self.store().tags()[name] for name in IMAGES}
        for form in ("docker", "docker-archive"):
            with self.subTest(form):
                self.call(*podman, "load", "-q", "-i", self.save(form + ".tar", "--format", form, "app"))
                self.assertEqual(self.ids(self.call(*podman, "images", "-q", "--no-trunc")), expected)
        names = {"localhost/" + name: name for name in IMAGES}  # podman's own reading of a short name
        self.call(*podman, "save", "-q", "-m", "-o", self.path("back.tar"), *IMAGES)
        self.assert_loads(self.path("back.tar"), names)
        for form in ("oci-archive", "oci-dir"):
            self.call(*podman, "save", "-q", "--format", form, "-o", self.path(form), IMAGES[1])
            self.assert_loads(self.path(form), {"localhost/app:2": "app:2"}, same_config=False)
        self.call(*podman, "rmi", "-af")
        self.call(*podman, "load", "-q", "-i", self.save("oci.tar", "--format", "oci", "app:2"))
        self.assertEqual(self.ids(self.call(*podman, "images", "-q", "--no-trunc")), {self.store().tags()["app:2"]})

    def test_buildah_pulls_and_pushes(self):
        buildah = self.containers("buildah")
        image = self.store().tags()["app:2"]
        for source in ("oci-archive:" + self.save("oci.tar", "--format", "oci", "app:2"),
                       "docker-archive:" + self.save("docker.tar", "app") + ":app:2",
                       "oci:" + self.save("layout", "--format", "oci-dir", "app:2") + ":docker.io/library/app:2"):
            with self.subTest(source):
                self.assertEqual(self.ids(self.call(*buildah, "pull", "-q", source)), {image})
        self.call(*buildah, "push", "-q", image, f"docker-archive:{self.path('back.tar')}:app:2")
        self.assert_loads(self.path("back.tar"), {"app:2": "app:2"})
