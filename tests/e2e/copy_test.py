"""copy: between registries, OCI layouts, archives and the store, read and written by skopeo, podman, umoci and containerd too."""
import gzip
import hashlib
import json
import os
import signal
import subprocess
import tarfile
import threading
import time
import unittest
import urllib.request

from tests.support.case import IN_MEMORY, PATIENCE
from tests.support.fake_registry import digest_of
from tests.support.registry_case import RegistryCase

OCI_INDEX = "application/vnd.oci.image.index.v1+json"


class CopyCase(RegistryCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.server = self.registry()
        self.engine = self.strata()
        self.name = self.server.host + "/team/app"
        self.image = self.build(self.engine, self.name + ":1")
        self.engine("push", "-q", self.name + ":1")
        self.manifest, self.kind = self.server.manifest("team/app", "1")
        self.digest_1 = digest_of(self.manifest)

    def copy(self, *words):
        return self.engine("copy", *words)

    def refused(self, *words):
        done = self.engine.run("copy", *words)
        self.assertEqual(done.code, 1, done)
        return done.err

    def run_program(self, *words):
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.engine.environment())
        self.assertEqual(done.returncode, 0, done)
        return done.stdout.decode()

    def skopeo(self, *words):
        return self.run_program("skopeo", *words)

    def put_index(self, kind=OCI_INDEX):
        """An index of two platforms as team/app:all. Gives its bytes."""
        entries = []
        for architecture in ("amd64", "arm64"):
            context = self.context({"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": architecture}, architecture)
            self.engine("build", "-q", "--platform", "linux/" + architecture, "-t", f"{self.name}:{architecture}", context)
            self.engine("push", "-q", f"{self.name}:{architecture}")
            data, media_type = self.server.manifest("team/app", architecture)
            entries.append({"mediaType": media_type, "digest": digest_of(data), "size": len(data),
                            "platform": {"os": "linux", "architecture": architecture}})
        index = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}).encode()
        urllib.request.urlopen(urllib.request.Request(f"http://{self.server.host}/v2/team/app/manifests/all", data=index, method="PUT",
                                                      headers={"Content-Type": kind})).close()
        return index

    def layout(self, name="layout"):
        with open(self.path(name, "index.json")) as file:
            return json.load(file)


class Copies(CopyCase):
    def test_between_repositories_of_one_registry_blobs_are_mounted(self):
        said = self.lines(self.copy(f"docker://{self.name}:1", f"docker://{self.server.host}/other:x"))
        self.assertEqual(sorted(said), ["Digest: DIGEST"] + ["LAYER: Mounted from team/app"] * 4)
        self.assertEqual(self.server.manifest("other", "x"), (self.manifest, self.kind))
        said = self.lines(self.copy(f"registry:{self.name}:1", f"registry:{self.server.host}/other:x"))
        self.assertEqual(sorted(said), ["Digest: DIGEST"] + ["LAYER: Already exists"] * 4)

    def test_between_registries_nothing_is_kept(self):
        other = self.registry("other")
        said = self.copy(f"docker://{self.name}:1", f"docker://{other.host}/x:1").splitlines()
        self.assertEqual(len([line for line in said if line.endswith(": Copied")]), 4, said)
        self.assertEqual(said[-1], "Digest: " + self.digest_1)
        self.assertEqual(other.manifest("x", "1"), (self.manifest, self.kind))
        self.assertEqual(self.engine("copy", "-q", f"docker://{self.name}@{self.digest_1}", f"docker://{other.host}/x"), self.digest_1)
        self.assertEqual(other.manifest("x", "latest"), (self.manifest, self.kind))
        # It needs no store at all.
        nowhere = self.strata("nowhere")
        nowhere("copy", "-q", f"docker://{self.name}:1", f"docker://{other.host}/y:1")
        self.assertFalse(os.path.exists(self.path("nowhere")))

    def test_a_layout_is_what_skopeo_reads_and_writes(self):
        layout = self.path("layout")
        # skopeo knows only OCI's types there; what has them keeps its digest on every way.
        first = self.copy("-q", "--format", "oci", f"docker://{self.name}:1", f"oci:{layout}:one")
        self.assertEqual([entry["digest"] for entry in self.layout()["manifests"]], [first])
        self.skopeo("copy", "-q", "--preserve-digests", "--dest-tls-verify=false", f"oci:{layout}:one", f"docker://{self.server.host}/s:1")
        self.assertEqual(digest_of(self.server.manifest("s", "1")[0]), first)
        # A second name beside the first one, and the first one anew, as it is.
        self.copy(f"docker://{self.name}:1", f"oci:{layout}:two")
        said = self.lines(self.copy(f"docker://{self.name}:1", f"oci:{layout}:one"))
        self.assertEqual(said.count("LAYER: Already exists"), 4)
        self.assertEqual([entry["annotations"]["org.opencontainers.image.ref.name"] for entry in self.layout()["manifests"]],
                         ["two", "one"])
        # What skopeo writes (it makes OCI manifests of all) goes back with its digest.
        self.skopeo("copy", "-q", "--src-tls-verify=false", f"docker://{self.name}:1", f"oci:{self.path('theirs')}:x")
        theirs = self.layout("theirs")["manifests"][0]["digest"]
        self.assertEqual(self.engine("copy", "-q", f"oci:{self.path('theirs')}:x", f"docker://{self.server.host}/t:1"), theirs)
        self.assertEqual(digest_of(self.server.manifest("t", "1")[0]), theirs)
        # Ours with --format oci names the same layers (skopeo writes the config anew as well: its image has another ID).
        ours = self.engine("copy", "-q", "--format", "oci", f"docker://{self.name}:1", f"oci:{self.path('ours')}:x")
        def document(folder, digest):
            with open(self.path(folder, "blobs/sha256", digest[7:])) as file:
                return json.load(file)
        self.assertEqual(document("ours", ours)["layers"], document("theirs", theirs)["layers"])

    def test_a_layout_is_what_umoci_and_strata_build_read(self):
        layout = self.path("layout")
        self.copy("--format", "oci", f"docker://{self.name}:1", f"oci:{layout}:one")
        self.run_program("umoci", "unpack", "--image", layout + ":one", self.path("bundle"))
        self.assertEqual(os.path.getsize(self.path("bundle/rootfs/a")), 6000)
        self.run_program("umoci", "config", "--image", layout + ":one", "--tag", "two", "--config.user", "nobody")
        self.copy(f"oci:{layout}:two", "strata:umoci:2")
        self.assertEqual(json.loads(self.engine("image", "inspect", "umoci:2"))[0]["Config"]["User"], "nobody")
        self.assertEqual(self.engine("cat", "umoci:2", "/a"), "hello\n" * 999 + "hello")

    def test_archives_are_what_others_read_and_write(self):
        for kind in ("oci-archive", "docker-archive"):
            with self.subTest(kind):
                file, back = self.path(kind + ".tar"), self.path(kind + "-back.tar")
                extra = [] if kind == "docker-archive" else ["--format", "oci"]
                self.copy(*extra, f"docker://{self.name}:1", f"{kind}:{file}:localhost/app:1")
                # skopeo reads it, and we read what skopeo makes of it.
                self.skopeo("copy", "-q", f"{kind}:{file}:localhost/app:1", f"{kind}:{back}:localhost/app:1")
                second = self.strata("second-" + kind)
                second("copy", f"{kind}:{back}:localhost/app:1", "strata:app:1")
                self.assertEqual(second("images", "-q", "--no-trunc", "app"), self.image)
                # podman loads it.
                podman = ["podman", "--root", self.path("podman"), "--runroot", self.path("podman-run"), "--storage-driver", "vfs"]
                self.run_program(*podman, "load", "-q", "-i", file)
                self.assertIn(self.image[7:], self.run_program(*podman, "images", "-q", "--no-trunc"))
                self.run_program(*podman, "rmi", "-f", "--all")

    def test_the_same_docker_archive_goes_both_ways(self):
        file = self.path("a.tar")
        said = self.copy(f"docker://{self.name}:1", f"docker-archive:{file}:app:1").splitlines()
        self.assertEqual(said[-1], "Image ID: " + self.image)
        with tarfile.open(file) as tar:
            self.assertEqual(tar.getnames()[-1], "manifest.json")
            item, = json.load(tar.extractfile("manifest.json"))
            self.assertEqual(item["RepoTags"], ["app:1"])
            for layer in item["Layers"]:
                self.assertEqual(hashlib.sha256(tar.extractfile(layer).read()).hexdigest() + ".tar", layer)
        self.assertIn("docker-archive doesn't support modifying existing images", self.refused(f"docker://{self.name}:1", f"docker-archive:{file}"))
        # Back to a registry layers are compressed as push does it: the manifest is the same.
        for source in (f"docker-archive:{file}", f"docker-archive:{file}:app:1", f"docker-archive:{file}:@0", f"strata:{self.name}:1"):
            self.assertEqual(self.engine("copy", "-q", source, f"docker://{self.server.host}/back:1"), self.digest_1, source)
        self.assertIn('the archive has no image "x"', self.refused(f"docker-archive:{file}:x", f"docker://{self.server.host}/back:1"))
        # docker save's archives, with several images.
        self.engine("tag", self.name + ":1", "app:2")
        self.engine("save", "--format", "docker-archive", "-o", self.path("b.tar"), "app:2", self.engine("build", "-q", self.context(
            {"Dockerfile": "FROM scratch\nCOPY x /\n", "x": "x"}, "small")))
        self.assertEqual(self.engine("copy", "-q", f"docker-archive:{self.path('b.tar')}:app:2", f"docker://{self.server.host}/back:2"), self.digest_1)
        self.assertIn("has 2 images, one must be named", self.refused(f"docker-archive:{self.path('b.tar')}", f"docker://{self.server.host}/back:1"))

    def test_containerd_imports_it(self):
        self.copy(f"docker://{self.name}:1", f"oci-archive:{self.path('a.tar')}:example.com/app:1")
        run = self.path("containerd")
        os.makedirs(run)
        with open(run + "/config.toml", "w") as file:
            file.write(f'version = 2\nroot = "{run}/root"\nstate = "{run}/state"\n[grpc]\n  address = "{run}/socket"\n'
                       '[plugins."io.containerd.internal.v1.opt"]\n  path = "%s/opt"\n' % run)
        with open(run + "/log", "wb") as log:
            daemon = subprocess.Popen(["containerd", "-c", run + "/config.toml"], stdout=log, stderr=log)
        try:
            ctr = ["ctr", "--connect-timeout", f"{PATIENCE}s", "-a", run + "/socket"]
            self.run_program(*ctr, "images", "import", "--no-unpack", "--all-platforms", self.path("a.tar"))
            listed = self.run_program(*ctr, "images", "ls")
            self.assertRegex(listed, r"example.com/app:1 +\S+ +" + self.digest_1)
            self.run_program(*ctr, "images", "export", "--all-platforms", self.path("b.tar"), "example.com/app:1")
        finally:
            daemon.terminate()
            daemon.wait(PATIENCE)
        self.assertEqual(self.engine("copy", "-q", f"oci-archive:{self.path('b.tar')}", f"docker://{self.server.host}/ctr:1"), self.digest_1)

    def test_into_the_store(self):
        second = self.strata("second")
        said = second("copy", f"docker://{self.name}:1", "strata:app:1").splitlines()
        self.assertEqual(said[-1], "Image ID: " + self.image)
        self.assertEqual(second("images", "-q", "--no-trunc", "app:1"), self.image)
        self.assert_store_sound("second", "--expect-clean")
        self.assertIn("is larger than 1024 bytes", self.strata("third").run(
            "copy", "--max-layer-size", "1k", f"docker://{self.name}:1", "strata:app:1").err)


class Indexes(CopyCase):
    def test_one_platform_or_all(self):
        index = self.put_index()
        other = self.registry("other")
        arm = digest_of(self.server.manifest("team/app", "arm64")[0])
        self.assertEqual(self.copy("-q", "--platform", "linux/arm64", f"docker://{self.name}:all", f"docker://{other.host}/x:arm"), arm)
        for place in (f"oci:{self.path('layout')}:all", f"oci-archive:{self.path('a.tar')}:all", f"docker://{other.host}/x:all"):
            self.assertEqual(self.copy("-q", "--all", f"docker://{self.name}:all", place), digest_of(index))
        for place in (f"oci:{self.path('layout')}:all", f"oci-archive:{self.path('a.tar')}"):
            self.assertEqual(self.copy("-q", "--all", place, f"docker://{other.host}/back:1"), digest_of(index))
            self.assertEqual(other.manifest("back", "1"), (index, OCI_INDEX))
            self.assertEqual(self.copy("-q", "--platform", "linux/arm64", place, f"docker://{other.host}/back:arm"), arm)
        self.assertEqual(self.copy("-q", f"oci:{self.path('layout')}@{digest_of(index)}", f"oci:{self.path('second')}"),
                         digest_of(self.server.manifest("team/app", "amd64")[0]))
        self.assertEqual(self.refused("--platform", "linux/s390x", f"docker://{self.name}:all", f"docker://{other.host}/x:s390x"),
                         "no matching manifest for linux/s390x in the manifest list entries\n")
        self.assertIn("--all cannot go there", self.refused("--all", f"docker://{self.name}:all", f"docker-archive:{self.path('x.tar')}"))
        # skopeo takes the layout with all its images.
        self.skopeo("copy", "-q", "--all", "--preserve-digests", "--dest-tls-verify=false", f"oci:{self.path('layout')}:all", f"docker://{other.host}/s:1")
        self.assertEqual(other.manifest("s", "1"), (index, OCI_INDEX))

    def test_another_format(self):
        index = self.put_index()
        self.assertIn("digests are to be kept", self.refused("--all", "--preserve-digests", "--format", "docker", f"docker://{self.name}:all",
                                                             f"docker://{self.server.host}/d:1"))
        self.copy("--all", "--format", "docker", f"docker://{self.name}:all", f"docker://{self.server.host}/d:1")
        data, kind = self.server.manifest("d", "1")
        self.assertEqual(kind, "application/vnd.docker.distribution.manifest.list.v2+json")
        ours, theirs = json.loads(data), json.loads(index)
        self.assertEqual([entry["digest"] for entry in ours["manifests"]], [entry["digest"] for entry in theirs["manifests"]])
        self.copy("--all", "--format", "oci", f"docker://{self.name}:all", f"docker://{self.server.host}/o:1")
        data, kind = self.server.manifest("o", "1")
        self.assertEqual({entry["mediaType"] for entry in json.loads(data)["manifests"]}, {"application/vnd.oci.image.manifest.v1+json"})
        second = self.strata("second")
        second("pull", "--platform", "linux/arm64", f"{self.server.host}/o:1")
        self.assertEqual(second("cat", f"{self.server.host}/o:1", "/a"), "arm64")

    def test_artifacts_and_attestations_come_along(self):
        layer = gzip.compress(b"some chart")
        fake = self.fake()
        config = b"{}"
        artifact = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {
            "mediaType": "application/vnd.example.config.v1+json", "digest": digest_of(config), "size": len(config)}, "layers": [
                {"mediaType": "application/vnd.example.chart", "digest": digest_of(layer), "size": len(layer)}]}).encode()
        kind = "application/vnd.oci.image.manifest.v1+json"
        fake.blobs = {digest_of(config): config, digest_of(layer): layer}
        fake.manifests = {"1": (kind, artifact)}
        self.assertEqual(self.copy("-q", f"docker://{fake.host}/x:1", f"docker://{self.server.host}/chart:1"), digest_of(artifact))
        self.assertEqual(self.server.manifest("chart", "1"), (artifact, kind))
        self.assertIn("is not that of an image", self.refused(f"docker://{fake.host}/x:1", "strata:x:1"))
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
            {"mediaType": kind, "digest": digest_of(artifact), "size": len(artifact), "platform": {"os": "unknown", "architecture": "unknown"},
             "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}]}).encode()
        fake.manifests = {"1": (OCI_INDEX, index), digest_of(artifact): (kind, artifact)}
        self.assertEqual(self.copy("-q", "--all", f"docker://{fake.host}/x:1", f"oci:{self.path('layout')}"), digest_of(index))


class Mistakes(CopyCase):
    def test_names(self):
        for words, error in [
                (("x", "oci:y"), 'invalid image name "x": it must begin with docker://, registry:, oci:, oci-archive:, docker-archive: or strata:'),
                (("docker:x", "oci:y"), 'invalid image name "docker:x": docker: is followed by //'),
                (("--all", "--platform", "linux/amd64", "oci:x", "oci:y"), "--all and --platform are mutually exclusive"),
                (("--format", "x", "oci:x", "oci:y"), 'unknown format "x": must be docker or oci'),
                ((f"oci:{self.path('none')}", "oci:y"), f"oci:{self.path('none')}: open {self.path('none')}: no such file or directory"),
                (("strata:none", "oci:y"), "strata:none: No such image: none:latest"),
                ((f"docker://{self.name}:none", f"oci:{self.path('y')}"),
                 f"manifest for {self.name}:none not found: manifest unknown: manifest unknown"),
                ((f"docker://{self.name}:1", f"docker://{self.name}@sha256:{'0' * 64}"),
                 f"{self.name}@sha256:{'0' * 64} cannot name what has the digest {self.digest_1}")]:
            self.assertEqual(self.refused(*words), error + "\n", words)

    def test_wrong_blobs_are_seen_and_leave_nothing(self):
        fake = self.fake()
        document = fake.take(self.server, "team/app", "1")
        layer = document["layers"][1]["digest"]
        right = fake.blobs[layer]
        other = self.registry("other")
        for wrong, error in [(right[:-1] + b"x", f"blob {layer}: expected digest {layer}, got sha256:"),
                             (right + b"x", f"is larger than the {len(right)} bytes of its manifest")]:
            fake.blobs[layer] = wrong
            for place in (f"docker://{other.host}/x:1", f"oci:{self.path('layout')}", f"oci-archive:{self.path('a.tar')}",
                          f"docker-archive:{self.path('d.tar')}"):
                self.assertIn(error, self.refused(f"docker://{fake.host}/x:1", place), place)
            second = self.strata("second")
            done = second.run("copy", f"docker://{fake.host}/x:1", "strata:y:1")
            self.assertEqual((done.code, second("images", "-q", "-a")), (1, ""), done)
            self.assertIn(error.removeprefix(f"blob {layer}: "), done.err)
        self.assertEqual([name for name in os.listdir(self.folder) if ".tar" in name], [])
        self.assertEqual(os.listdir(self.path("layout")), ["blobs"])
        blobs = os.listdir(self.path("layout/blobs/sha256"))
        self.assertNotIn(layer[7:], blobs)
        self.assertEqual([name for name in blobs if name.startswith(".")], [])
        with self.assertRaises(urllib.error.HTTPError):
            other.manifest("x", "1")
        # A wrong file in a layout is seen as well.
        fake.blobs[layer] = right
        self.copy(f"docker://{fake.host}/x:1", f"oci:{self.path('layout')}")
        with open(self.path("layout/blobs/sha256", layer[7:]), "r+b") as file:
            file.truncate(len(right) - 1)
        self.assertIn(f"has {len(right) - 1} bytes, and not the {len(right)} of its manifest",
                      self.refused(f"oci:{self.path('layout')}", f"docker://{other.host}/x:1"))
        # What has come of the first try is used by the next one.
        self.assertEqual(self.lines(self.copy(f"docker://{fake.host}/x:1", f"oci:{self.path('layout')}")).count("LAYER: Already exists"), 3)

    def test_a_layer_that_does_not_come_on_waits_for_nobody(self):
        """Into the store, where layers are read at once: the user ends it, or another layer that is wrong."""
        fake = self.fake()
        wrong, stalled = [layer["digest"] for layer in fake.take(self.server, "team/app", "1")["layers"]][:2]
        second = self.strata("second")
        as_ever = fake.answer
        release = threading.Event()
        self.addCleanup(release.set)
        for how in ("the user", "another layer"):
            begun = threading.Event()

            def answer(handler, how=how, begun=begun):
                if stalled in handler.path:
                    handler.cut(200, fake.blobs[stalled][:100], len(fake.blobs[stalled]))
                    begun.set()
                    release.wait(PATIENCE)
                elif wrong in handler.path and how == "another layer":
                    begun.wait(5)  # with one processor the other one has not been asked for
                    handler.reply(200, bytes(len(fake.blobs[wrong])))
                else:
                    as_ever(handler)
            fake.answer = answer
            with self.subTest(how):
                process = second.popen("copy", "-q", f"docker://{fake.host}/x:1", "strata:y:1", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                self.addCleanup(process.kill)
                if how == "the user":
                    self.assertTrue(begun.wait(PATIENCE))
                    process.send_signal(signal.SIGINT)
                started = time.monotonic()
                _, err = process.communicate(timeout=PATIENCE)
                self.assertLess(time.monotonic() - started, 10, err)
                self.assertEqual((process.returncode, second("images", "-q", "-a")), (130 if how == "the user" else 1, ""), err)
                self.assertEqual(b"blob " in err or b"gzip" in err or b"digest" in err, how == "another layer", err)
        self.assert_store_sound("second", "--expect-clean")


if __name__ == "__main__":
    unittest.main()
