"""Images go round between the programs that move images, through a real registry, and come back with the digest that they left with."""
import json
import os
import subprocess
import unittest
import urllib.request

from tests.support.case import IN_MEMORY
from tests.support.fake_registry import digest_of
from tests.support.registry_case import RegistryCase

MIB = 1 << 20
INDEX = "application/vnd.oci.image.index.v1+json"


class RoundCase(RegistryCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.server = self.registry()
        self.host = self.server.host
        self.engine = self.strata()

    def run_program(self, *words):
        environment = self.engine.environment()
        del environment["REGISTRY_AUTH_FILE"]  # podman wants it to be there
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout.decode().strip()

    def containers(self, program, *words):
        """podman or buildah on a storage of the test's own."""
        return self.run_program(program, "--root", self.path("containers"), "--runroot", self.path("containers-run"), "--storage-driver", "vfs", *words)

    def digest_at(self, name):
        repository, _, tag = name.removeprefix(self.host + "/").partition(":")
        return digest_of(self.server.manifest(repository, tag)[0])

    def strata_takes(self, name, image):
        """A fresh store pulls it, and it is the same image with the same digest."""
        store = "store-" + name.rpartition("/")[2].replace(":", "-")
        engine = self.strata(store)
        engine("pull", "-q", name)
        self.assertEqual(engine("images", "-q", "--no-trunc"), image)
        self.assertEqual(self.digest(engine, name), self.digest_at(name))
        self.assert_store_sound(store, "--expect-clean")


class Rounds(RoundCase):
    def test_podman_and_buildah(self):
        for form in ("docker", "oci"):
            name = f"{self.host}/{form}:1"
            image = self.build(self.engine, name)
            self.engine("push", "-q", "--format", form, name)
            self.containers("podman", "pull", "-q", "--tls-verify=false", name)
            self.assertEqual(self.containers("podman", "images", "--no-trunc", "--format", "{{.ID}} {{.Digest}}", name),
                             f"{image} {self.digest_at(name)}")
            self.containers("buildah", "push", "-q", "--tls-verify=false", name, f"docker://{self.host}/{form}-buildah:1")
            self.containers("podman", "push", "-q", "--tls-verify=false", name, f"{self.host}/{form}-podman:1")
            for other in ("buildah", "podman"):
                # They compress anew, so it is another manifest; the image in it is the same.
                self.strata_takes(f"{self.host}/{form}-{other}:1", image)
            # Without compression in between the digest stays as well.
            self.run_program("skopeo", "copy", "-q", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false",
                             f"docker://{name}", f"docker://{self.host}/{form}-skopeo:1")
            self.assertEqual(self.digest_at(f"{self.host}/{form}-skopeo:1"), self.digest_at(name))
            self.strata_takes(f"{self.host}/{form}-skopeo:1", image)
            self.containers("podman", "rmi", "-f", "--all")

    def test_what_podman_builds(self):
        context = self.context({"Dockerfile": "FROM scratch\nCOPY a /a\nENV A=1\n", "a": "from podman"})
        name = self.host + "/theirs:1"
        self.containers("buildah", "build", "-q", "-t", name, context)
        self.containers("podman", "push", "-q", "--tls-verify=false", name)
        image = "sha256:" + self.containers("podman", "images", "-q", "--no-trunc", name).removeprefix("sha256:")
        self.strata_takes(name, image)
        self.engine("pull", "-q", name)
        self.assertEqual(self.engine("cat", name, "/a"), "from podman")
        # Pushed from here to where it is: nothing is sent, and the digest is what it was, in the form that it had.
        before = self.digest_at(name)
        self.engine("tag", name, self.host + "/theirs:2")
        self.assertEqual(self.engine("push", "--format", "oci", self.host + "/theirs:2").count("Layer already exists"), 1)
        self.engine("copy", "-q", f"docker://{name}", f"docker://{self.host}/copied:1")
        self.assertEqual(self.digest_at(self.host + "/copied:1"), before)

    def test_every_platform_of_an_index_can_be_named(self):
        entries = []
        for architecture, variant in (("amd64", ""), ("arm64", ""), ("arm", "v6"), ("arm", "v7"), ("s390x", "")):
            platform = "/".join(filter(None, ("linux", architecture, variant)))
            tag = platform.replace("/", "-")
            context = self.context({"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": platform}, tag)
            self.engine("build", "-q", "--platform", platform, "-t", f"{self.host}/x:{tag}", context)
            self.engine("push", "-q", f"{self.host}/x:{tag}")
            data, kind = self.server.manifest("x", tag)
            entries.append({"mediaType": kind, "digest": digest_of(data), "size": len(data), "platform": {
                "architecture": architecture, "os": "linux"} | ({"variant": variant} if variant else {})})
        index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
        urllib.request.urlopen(urllib.request.Request(f"http://{self.host}/v2/x/manifests/all", data=index, method="PUT", headers={
            "Content-Type": INDEX})).close()
        name = self.host + "/x:all"
        machine = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[os.uname().machine]
        second = self.strata("second")
        for option, platform in [("", machine), ("linux/arm64/v8", "linux/arm64"), ("linux/arm/v6", "linux/arm/v6"), ("linux/arm/v7", "linux/arm/v7"),
                                 ("linux/arm", "linux/arm/v7"), ("linux/s390x", "linux/s390x"), ("linux/amd64", "linux/amd64")]:
            second("pull", "-q", *(["--platform", option] if option else []), name)
            self.assertEqual(second("cat", name, "/a"), platform, option)
        # By the digest of its manifest, too.
        for entry in entries:
            second("pull", "-q", f"{self.host}/x@{entry['digest']}")
            self.assertEqual(second("cat", f"{self.host}/x@{entry['digest']}", "/a").split("/")[1], entry["platform"]["architecture"])


class Memory(RoundCase):
    def most_memory(self, *words):
        """Bytes that the command had resident at most."""
        process = self.engine.popen(*words, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, words)
        return usage.ru_maxrss * 1024

    def test_a_large_layer_and_many_small_ones(self):
        context = self.context({"Dockerfile": "FROM scratch\nCOPY big /big\n"}, "large")
        with open(os.path.join(context, "big"), "wb") as file:
            for _ in range(160):
                file.write(os.urandom(MIB))
        self.engine("build", "-q", "-t", self.host + "/large:1", context)
        lines = "".join(f"COPY f{i} /f{i}\n" for i in range(120))
        context = self.context({"Dockerfile": "FROM scratch\n" + lines} | {f"f{i}": os.urandom(3000) for i in range(120)}, "many")
        self.engine("build", "-q", "-t", self.host + "/many:1", context)
        for name in ("large", "many"):
            there = f"{self.host}/{name}:1"
            self.assertLess(self.most_memory("push", "-q", there), 64 * MIB, name)
            self.engine("rmi", there)
            self.engine("builder", "prune", "-f")
            self.assertLess(self.most_memory("pull", "-q", there), 64 * MIB, name)
            self.assertLess(self.most_memory("copy", "-q", f"docker://{there}", f"oci:{self.path('layout')}:{name}"), 64 * MIB, name)
            self.assertLess(self.most_memory("copy", "-q", f"strata:{there}", f"docker-archive:{self.path(name + '.tar')}"), 64 * MIB, name)


if __name__ == "__main__":
    unittest.main()
