"""What a push sends and keeps: the form of blobs and manifests, blobs that are kept, the digest of an image that was pulled."""
import glob
import json
import os
import subprocess
import unittest

from tests.e2e.registry_test import RegistryCase
from tests.support.case import IN_MEMORY


class Push(RegistryCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.server, self.engine = self.registry(), self.strata()
        self.name = self.server.host + "/team/app"

    def manifest(self, name="team/app", tag="1", server=None):
        return json.loads((server or self.server).manifest(name, tag)[0])

    def forms(self, manifest):
        return [layer["mediaType"].rsplit(".", 1)[1] for layer in manifest["layers"]]

    def kept(self, root="store"):
        return sorted(os.path.basename(path) for path in glob.glob(self.path(root + "/strata/blobs/kept/*")))

    def layers_of(self, manifest):
        return [layer["digest"].split(":")[1] for layer in manifest["layers"]]

    def test_a_pulled_image_keeps_its_digest(self):
        self.build(self.engine, self.name + ":1")
        self.engine("push", "-q", self.name + ":1")
        for form, options in (("zstd", ["--format", "oci", "--dest-compress-format", "zstd"]), ("gzip", ["--format", "oci"]), ("v2", [])):
            subprocess.run(["skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", *options, "--dest-compress",
                            f"docker://{self.name}:1", f"docker://{self.server.host}/copied:{form}"], check=True, env={**os.environ, "HOME": self.folder})
        other = self.registry("other")
        for n, form in enumerate(("zstd", "gzip", "v2")):
            with self.subTest(form):
                root = f"puller{n}"
                puller = self.strata(root)
                source, target = f"{self.server.host}/copied:{form}", f"{other.host}/mine:{form}"
                puller("pull", "-q", source)
                puller("tag", source, target)
                puller("push", "-q", target)
                self.assertEqual(other.manifest("mine", form), self.server.manifest("copied", form))
                # Without what was kept it is pushed all the same, as new blobs.
                puller("builder", "prune", "-f")
                self.assertEqual(self.kept(root), [])
                third = self.registry(f"third{n}")
                puller("tag", source, third.host + "/x:1")
                puller("push", "-q", third.host + "/x:1")
                self.assertEqual(set(self.forms(self.manifest("x", "1", third))), {"tar+gzip" if form != "v2" else "gzip"})
                # A form that is asked for is given.
                puller("push", "-q", "--format", "docker", target)
                self.assertIn("docker", other.manifest("mine", form)[1])

    def test_forms(self):
        image = self.build(self.engine, self.name + ":1")
        self.engine("push", "-q", "--compression", "zstd", self.name + ":1")
        zstd = self.manifest()
        self.assertEqual(set(self.forms(zstd)), {"tar+zstd"})
        # What is known as zstd goes into no manifest of docker's form, and into OCI's unless another is forced.
        self.engine("push", "-q", self.name + ":1")
        self.assertEqual(set(self.forms(self.manifest())), {"gzip"})
        self.engine("push", "-q", "--format", "oci", self.name + ":1")
        gzip = self.manifest()
        self.assertEqual(set(self.forms(gzip)), {"tar+gzip"})
        self.engine("push", "-q", "--compression", "zstd", "--force-compression", self.name + ":1")
        self.assertEqual(self.manifest(), zstd)
        self.engine("push", "-q", "--compression", "gzip", "--force-compression", "--format", "oci", self.name + ":1")
        self.assertEqual(self.manifest(), gzip)
        self.engine("tag", self.name + ":1", self.name + ":plain")
        context = self.context({"Dockerfile": "FROM scratch\nCOPY f /\n", "f": "f"})
        self.engine("build", "-q", "-o", f"type=registry,name={self.name}:plain,compression=uncompressed", context)
        self.assertEqual(self.forms(self.manifest(tag="plain")), ["tar"])
        second = self.strata("second")
        self.engine("push", "-q", "--compression", "zstd", "--force-compression", self.name + ":1")
        second("pull", "-q", self.name + ":1")
        self.assertEqual(second("images", "-q", "--no-trunc"), image)
        second("pull", "-q", self.name + ":plain")
        self.assert_store_sound("second")
        for words, error in (
                (["--compression", "lzma"], "unsupported layer compression type: lzma: must be gzip, zstd or uncompressed"),
                (["--compression", "zstd", "--format", "docker"], "compression zstd needs the form of OCI"),
                (["--format", "v1"], 'unknown format "v1": must be docker or oci')):
            done = self.engine.run("push", *words, self.name + ":1")
            self.assertEqual((done.code, done.err), (1, error + "\n"))

    def test_what_is_kept(self):
        self.build(self.engine, self.name + ":1", big=2_000_000)
        self.engine("push", "-q", self.name + ":1")
        layers = self.layers_of(self.manifest())
        self.assertEqual(self.kept(), sorted(layers))
        # A second registry gets the same bytes; damage is seen.
        other = self.registry("other")
        damaged = self.path("store/strata/blobs/kept/" + layers[0])
        with open(damaged, "r+b") as file:
            file.seek(20)
            file.write(b"x" * 20)
        self.engine("tag", self.name + ":1", other.host + "/x:1")
        self.engine("push", "-q", other.host + "/x:1")
        self.assertEqual(other.manifest("x", "1"), self.server.manifest("team/app", "1"))
        self.assertEqual(self.kept(), sorted(layers))

        # They are the build cache's, in every list.
        self.assertEqual(len(self.engine("builder", "du", "--filter", "type=blob", "--format", "{{.Type}}").splitlines()), 3)
        df = json.loads(self.engine("system", "df", "-v", "--format", "json"))
        self.assertEqual({row["CacheType"] for row in df["BuildCache"]}, {"blob"})
        self.assertIn(layers[1], self.engine("builder", "prune", "-f", "--filter", "id=" + layers[1]))
        self.assertEqual(self.kept(), sorted(set(layers) - {layers[1]}))

        # A pull after a removal fetches only what is gone.
        self.engine("rmi", self.name + ":1", other.host + "/x:1")
        out = self.engine("pull", self.name + ":1")
        fetched = [request for request in self.server.requests() if request.startswith("GET /v2/team/app/blobs")]
        self.assertEqual(sum(layers[1] in request for request in fetched), 1, fetched)
        self.assertFalse([request for request in fetched if layers[0] in request or layers[2] in request])
        self.assertIn("Pull complete", out)
        self.assert_store_sound()

    def test_the_limit(self):
        limits = {"nothing": "0", "some": "500k"}
        for root, limit in limits.items():
            engine = self.strata(root)
            inner = engine.environment
            engine.environment = lambda inner=inner, limit=limit: inner() | {"STRATA_KEEP_BLOBS": limit}
            name = f"{self.server.host}/{root}:1"
            self.build(engine, name, seed=root.encode(), big=2_000_000)
            engine("push", "-q", name)
            layers = self.manifest(root, "1")["layers"]
            small = sorted(layer["digest"].split(":")[1] for layer in layers if layer["size"] < 400_000)
            self.assertEqual(self.kept(root), [] if limit == "0" else small)
            engine("rmi", name)
            engine("pull", "-q", name)
            self.assertEqual(self.kept(root), [] if limit == "0" else small)
            self.assertEqual([n for n in os.listdir(self.path(root + "/strata/blobs")) if n != "kept"] if limit != "0" else [], [])


if __name__ == "__main__":
    unittest.main()
