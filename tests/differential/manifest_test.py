"""docker manifest: the same commands by docker's client and by Strata, on one registry, and each on lists that the other began."""
import io
import json
import gzip
import os
import re
import subprocess
import tarfile
import unittest
import urllib.request

from tests.support.case import IN_MEMORY
from tests.support.dockerd import CLIENT
from tests.support.fake_registry import digest_of
from tests.support.registry_case import RegistryCase

DOCKER_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
OCI_TYPE = "application/vnd.oci.image.manifest.v1+json"


class ManifestCase(RegistryCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.server = self.registry()
        self.host = self.server.host
        self.app = self.host + "/app"
        for tag, platform in (("amd64", {"architecture": "amd64"}), ("arm64", {"architecture": "arm64"}),
                              ("armv7", {"architecture": "arm", "variant": "v7"})):
            self.put_image("app", tag, platform)
        self.engine = self.strata()

    def request(self, method, url, data=None, **headers):
        url = url if url.startswith("http") else f"http://{self.host}{url}"
        return urllib.request.urlopen(urllib.request.Request(url, data=data, method=method,
                                                             headers={k.replace("_", "-"): v for k, v in headers.items()}))

    def put_blob(self, repository, data):
        with self.request("POST", f"/v2/{repository}/blobs/uploads/", b"") as answer:
            place = answer.headers["Location"]
        self.request("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest_of(data)}", data, Content_Type="application/octet-stream").close()
        return {"size": len(data), "digest": digest_of(data)}

    def put_image(self, repository, tag, platform, oci=False):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w") as tar:
            member = tarfile.TarInfo("a")
            member.size = len(tag)
            tar.addfile(member, io.BytesIO(tag.encode()))
        config = json.dumps({"os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [digest_of(file.getvalue())]},
                             "history": [{"created": "2020-01-01T00:00:00Z"}]} | platform).encode()
        types = (OCI_TYPE, "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip") if oci else (
            DOCKER_TYPE, "application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip")
        manifest = {"schemaVersion": 2, "mediaType": types[0], "config": {"mediaType": types[1]} | self.put_blob(repository, config),
                    "layers": [{"mediaType": types[2]} | self.put_blob(repository, gzip.compress(file.getvalue(), mtime=0))]}
        data = json.dumps(manifest, indent=3).encode()
        self.request("PUT", f"/v2/{repository}/manifests/{tag}", data, Content_Type=types[0]).close()
        return digest_of(data)

    def docker(self, *words, home="docker-home"):
        return self.run_client([CLIENT], words, home)

    def ours(self, *words, home="home"):
        return self.run_client(self.engine.command(), words, home)

    def run_client(self, program, words, home):
        environment = self.engine.environment() | {"HOME": self.path(home), "DOCKER_CLI_EXPERIMENTAL": "enabled"}
        os.makedirs(self.path(home), exist_ok=True)
        done = subprocess.run([*program, "manifest", *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, done.stdout.decode(), done.stderr.decode().replace("docker", "strata")

    def assert_same(self, *words):
        theirs = self.docker(*words)
        self.assertEqual(self.ours(*words), theirs, words)
        return theirs

    def files(self, home):
        """What stands in the files of lists, without what docker 20.10 does not write."""
        found = {}
        for parent, _, names in os.walk(self.path(home, ".docker/manifests")):
            for name in names:
                with open(os.path.join(parent, name)) as file:
                    entry = json.load(file)
                entry.pop("Raw", None)
                found[os.path.relpath(os.path.join(parent, name), self.path(home))] = entry
        return found


class Manifests(ManifestCase):
    def test_a_list_is_put_together_as_docker_does(self):
        app, insecure = self.app, "--insecure"
        for words in [("inspect", insecure, app + ":amd64"),
                      ("inspect", "-v", insecure, app + ":armv7"),
                      ("inspect", insecure, app + ":none"),
                      ("create", insecure, app + ":all", app + ":armv7", app + ":amd64"),
                      ("inspect", app + ":all"),
                      ("inspect", "-v", app + ":all"),
                      ("create", insecure, app + ":all", app + ":amd64"),
                      ("create", "--amend", insecure, app + ":all", app + ":arm64"),
                      ("annotate", app + ":all", app + ":arm64", "--variant", "v9", "--arch", "arm64", "--os", "linux", "--os-features", "x,y",
                       "--os-version", "1"),
                      ("annotate", app + ":all", app + ":arm64", "--arch", "nope"),
                      ("annotate", app + ":all", app + ":arm64", "--os", "nope"),
                      ("annotate", app + ":all", app + ":none", "--os", "linux"),
                      ("annotate", app + ":nolist", app + ":arm64", "--os", "linux"),
                      ("inspect", app + ":all", app + ":arm64"),
                      ("inspect", "-v", app + ":all", app + ":arm64"),
                      ("inspect", app + ":all", app + ":none"),
                      ("inspect", app + ":all"),
                      ("push", insecure, app + ":all"),
                      ("push", insecure, app + ":none"),
                      ("push", insecure, "--purge", app + ":all"),
                      ("inspect", insecure, app + ":all"),
                      ("inspect", "-v", insecure, app + ":all"),
                      ("create", insecure, self.host + "/other:all", app + ":all"),
                      ("create", insecure, self.host + "/nolatest", app + ":amd64"),
                      ("rm", self.host + "/nolatest", self.host + "/nix:1"),
                      ("rm", self.host + "/nolatest"),
                      ("create", insecure, "BAD", app + ":amd64"),
                      ("create", insecure, self.host + "/x:1", "BAD"),
                      ("inspect", insecure, "BAD"),
                      ("push", insecure, "BAD"),
                      ("create", app + ":all")]:
            self.assert_same(*words)
            self.assertEqual(self.files("home"), self.files("docker-home"), words)

    def test_images_of_another_repository_come_along(self):
        other = self.host + "/other:all"
        self.assertEqual(self.ours("create", other, self.app + ":amd64", self.app + ":armv7")[0], 0)
        self.docker("create", "--insecure", other, self.app + ":amd64", self.app + ":armv7")
        ours = self.ours("push", "--insecure", other)
        pushed = self.server.manifest("other", "all")
        self.assertEqual(sum(request.startswith("POST /v2/other/blobs/uploads/?mount=") for request in self.server.requests()), 4)
        self.assertEqual(ours, self.docker("push", "--insecure", other))
        self.assertEqual(self.server.manifest("other", "all"), pushed)
        self.assertEqual(ours[1].splitlines()[-1], digest_of(pushed[0]))
        second = self.strata("second")
        second("pull", "--platform", "linux/arm/v7", other)
        self.assertEqual(second("cat", other, "/a"), "armv7")

    def test_either_goes_on_with_what_the_other_began(self):
        one = self.app + ":all"
        self.assertEqual(self.docker("create", "--insecure", one, self.app + ":amd64", home="home")[0], 0)
        self.assertEqual(self.ours("create", "--amend", one, self.app + ":arm64")[0], 0)
        self.assertEqual(self.docker("annotate", one, self.app + ":arm64", "--variant", "v8", home="home")[0], 0)
        self.assertEqual(self.docker("inspect", one, home="home"), self.ours("inspect", one))
        self.assertEqual(self.docker("push", "--insecure", one, home="home")[1], self.ours("push", one)[1])

    def test_oci_images_make_an_oci_index(self):
        digests = [self.put_image("oci", architecture, {"architecture": architecture}, oci=True) for architecture in ("amd64", "arm64")]
        name = self.host + "/oci:all"
        self.assertEqual(self.ours("create", name, *(f"{self.host}/oci@{digest}" for digest in digests))[0], 0)
        code, out, _ = self.ours("push", name)
        data, kind = self.server.manifest("oci", "all")
        self.assertEqual((code, out, kind), (0, digest_of(data) + "\n", "application/vnd.oci.image.index.v1+json"))
        self.assertEqual(sorted(entry["digest"] for entry in json.loads(data)["manifests"]), sorted(digests))
        self.assertEqual(json.loads(self.ours("inspect", name)[1])["mediaType"], kind)
        self.assertIn("OCIManifest", self.ours("inspect", "-v", f"{self.host}/oci:amd64")[1])
        second = self.strata("second")
        second("pull", "--platform", "linux/arm64", name)
        self.assertEqual(second("cat", name, "/a"), "arm64")

    def test_help_has_dockers_flags(self):
        for words in ([], ["inspect"], ["create"], ["annotate"], ["push"], ["rm"]):
            flags = [re.findall(r"^ +(?:-\w, )?--[\w-]+.*$", run(*words, "--help")[1], re.M) for run in (self.docker, self.ours)]
            self.assertEqual(flags[0], flags[1], words)


if __name__ == "__main__":
    unittest.main()
