"""pull and push with Debian's docker-registry, and with skopeo and dockerd."""
import json
import os
import pty
import re
import subprocess
import unittest
import urllib.error
import urllib.request

from tests.support.fake_registry import digest_of
from tests.support.registry_case import RegistryCase


class PushAndPull(RegistryCase):
    def setUp(self):
        super().setUp()
        self.server = self.registry()
        self.name = self.server.host + "/team/app"
        self.first, self.second = self.strata(), self.strata("second")
        self.image = self.build(self.first, self.name + ":1")

    def test_an_image_goes_round(self):
        pushed = self.lines(self.first("push", self.name + ":1"))
        self.assertEqual(pushed[0], f"The push refers to repository [{self.name}]")
        self.assertEqual(sorted(pushed[1:-1]), ["LAYER: Preparing"] * 3 + ["LAYER: Pushed"] * 3)
        self.assertRegex(pushed[-1], r"^1: digest: DIGEST size: \d+$")
        pulled = self.lines(self.second("pull", self.name + ":1"))
        self.assertEqual(pulled[:4], ["1: Pulling from team/app"] + ["LAYER: Pulling fs layer"] * 3)
        self.assertEqual(sorted(pulled[4:10]), ["LAYER: Download complete"] * 3 + ["LAYER: Verifying Checksum"] * 3)
        self.assertEqual(pulled[10:], ["LAYER: Pull complete"] * 3 + [
            "Digest: DIGEST", f"Status: Downloaded newer image for {self.name}:1", self.name + ":1"])
        self.assertEqual(self.second("images", "-q", "--no-trunc", self.name), self.image)
        self.assertEqual(self.digest(self.first, self.name + ":1"), self.digest(self.second, self.name + ":1"))
        self.assertIn(digest_of(self.server.manifest("team/app", "1")[0]), self.second("images", "--digests"))
        self.assertEqual(os.listdir(self.path("second/strata/blobs")), ["kept"])
        self.assert_store_sound("second", "--expect-clean")

    def test_what_is_there_is_not_sent_again(self):
        self.first("push", self.name + ":1")
        again = self.lines(self.first("push", self.name + ":1"))
        self.assertEqual(sorted(again[1:-1]), ["LAYER: Layer already exists"] * 3 + ["LAYER: Preparing"] * 3)
        other = self.server.host + "/other:1"
        self.first("tag", self.name + ":1", other)
        mounted = self.lines(self.first("push", other))
        self.assertEqual(sorted(mounted[1:-1]), ["LAYER: Mounted from team/app"] * 3 + ["LAYER: Preparing"] * 3)
        self.assertEqual(self.server.manifest("other", "1"), self.server.manifest("team/app", "1"))
        self.second("pull", self.name + ":1")
        self.assertEqual(self.lines(self.second("pull", self.name + ":1")), [
            "1: Pulling from team/app", "Digest: DIGEST", f"Status: Image is up to date for {self.name}:1", self.name + ":1"])

    def test_a_pull_waits_for_the_disk_once_and_one_that_brings_nothing_never(self):
        self.first("push", self.name + ":1")
        # A store that is new syncs its first file of names.
        self.second.run("tag", "none:1", "none:2")
        for syncs, fsyncs in ((1, 1), (0, 0)):  # all that is published; the directory of the names
            trace = self.path("trace")
            subprocess.run(["strace", "-f", "-qq", "-e", "trace=syncfs,fsync,fdatasync", "-e", "signal=none", "-o", trace,
                            *self.second.command(), "pull", "-q", self.name + ":1"], check=True, stdout=subprocess.DEVNULL,
                           env=self.second.environment())
            with open(trace) as file:
                calls = [line.split()[1].split("(")[0] for line in file if "(" in line]
            self.assertEqual((calls.count("syncfs"), calls.count("fsync"), calls.count("fdatasync")), (syncs, fsyncs, 0))

    def test_the_same_layer_gives_the_same_blob(self):
        self.first("push", self.name + ":1")
        third = self.strata("third")
        third("load", stdin=subprocess.run([*self.first.command(), "save", self.name + ":1"], check=True, stdout=subprocess.PIPE).stdout)
        other = self.registry("other")
        third("tag", self.name + ":1", other.host + "/x:1")
        third("push", other.host + "/x:1")
        self.assertEqual(other.manifest("x", "1"), self.server.manifest("team/app", "1"))

    def test_names(self):
        self.first("tag", self.name + ":1", self.name + ":latest")
        self.assertEqual(self.first("push", "-q", "-a", self.name), self.name)
        done = self.second.run("pull", self.name)
        self.assertEqual(done.out.splitlines()[0], "Using default tag: latest")
        self.assertEqual(self.second("pull", "-q", self.name), self.name + ":latest")
        every = self.lines(self.second("pull", "-a", self.name))
        self.assertIn("1: Pulling from team/app", every)
        self.assertEqual(every[-2:], [f"Status: Downloaded newer image for {self.name}", self.name])
        by_digest = self.name + "@" + self.digest(self.second, self.name)
        third = self.strata("third")
        both = self.name + ":1@" + by_digest.split("@")[1]
        self.assertEqual(third("pull", "-q", both), both)
        third("rmi", by_digest)
        pulled = self.lines(third("pull", by_digest))
        self.assertEqual(pulled[0], "DIGEST: Pulling from team/app")
        self.assertEqual(json.loads(third("image", "inspect", by_digest))[0]["RepoTags"], [])
        self.assertEqual(third("images", "-q", "--no-trunc"), self.image)

    def test_mistakes_are_answered_as_docker_does(self):
        for words, error in [
                (["pull", self.name + ":no"], f"Error response from daemon: manifest for {self.name}:no not found: manifest unknown: manifest unknown"),
                (["pull", "-a", self.name + ":1"], "tag can't be used with --all-tags/-a"),
                (["pull", "UPPER"], "invalid reference format: repository name must be lowercase"),
                (["pull", "127.0.0.1:1/x:1"],
                 'Error response from daemon: Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused'),
                (["push", self.name + ":2"], f"tag does not exist: {self.name}:2"),
                (["push", self.server.host + "/none"], f"An image does not exist locally with the tag: {self.server.host}/none"),
                (["push", self.name + "@sha256:" + "0" * 64], "cannot push a digest reference")]:
            done = self.first.run(*words)
            self.assertEqual((done.code, done.err), (1, error + "\n"), done)

    def test_build_and_run_pull_what_is_missing(self):
        self.first("push", self.name + ":1")
        context = self.context({"Dockerfile": f"FROM {self.name}:1\nENV Y=2\n"}, "derived")
        said = self.lines(self.second("build", context))
        at = said.index(f"Step 1/2 : FROM {self.name}:1")
        self.assertEqual(said[at + 1:at + 3], ["1: Pulling from team/app", "LAYER: Pulling fs layer"])
        self.assertIn(f"Status: Downloaded newer image for {self.name}:1", said)
        self.assertIn(f"Status: Image is up to date for {self.name}:1", self.second("build", "--pull", context))
        third = self.strata("third")
        done = third.run("create", self.name + ":1", "true")
        self.assertEqual(done.code, 0, done)
        self.assertEqual(self.lines(done.err)[:2], [f"Unable to find image '{self.name}:1' locally", "1: Pulling from team/app"])
        self.assertEqual(self.strata("fourth").run("create", "--pull", "never", self.name + ":1", "true").code, 1)

    def test_a_build_pushes_its_result(self):
        context = self.context({"Dockerfile": "FROM scratch\nCOPY f /\n", "f": "f"}, "pushed")
        host = self.server.host
        out = self.lines(self.first("build", "-t", f"{host}/built:1", "--push", "--metadata-file", self.path("meta"), context))
        at = out.index(f"Successfully tagged {host}/built:1")
        self.assertEqual(out[at + 1:-1], [f"The push refers to repository [{host}/built]", "LAYER: Preparing", "LAYER: Pushed"])
        self.assertRegex(out[-1], r"^1: digest: DIGEST size: \d+$")
        manifest, kind = self.server.manifest("built", "1")
        with open(self.path("meta")) as file:
            meta = json.load(file)
        self.assertEqual(meta["containerimage.descriptor"], {"mediaType": kind, "digest": digest_of(manifest), "size": len(manifest)})
        self.assertEqual(self.digest(self.first, f"{host}/built:1"), digest_of(manifest))

        # Names of its own, in OCI's form; another output beside it.
        self.first("build", "-q", "-o", f"type=registry,\"name={host}/a:1,{host}/b:2\",oci-mediatypes=true", "-o", self.path("files"), context)
        self.assertEqual(self.server.manifest("a", "1"), self.server.manifest("b", "2"))
        self.assertIn("oci", self.server.manifest("a", "1")[1])
        self.assertEqual(os.listdir(self.path("files")), ["f"])
        out = self.first("build", "-o", f"type=image,push=true,push-by-digest=true,name={host}/c", context)
        self.assertEqual(self.server.manifest("c", re.search("digest: (sha256:[0-9a-f]{64})", out)[1]), (manifest, kind))
        with self.assertRaises(urllib.error.HTTPError):
            self.server.manifest("c", "latest")

        # The classic form alone is quiet with -q; a registry that is not there fails the build, whose image stays.
        self.assertEqual(len(self.first("build", "-q", "--push", "-t", f"{host}/built:2", context).splitlines()), 1)
        self.assertIn("127.0.0.1:1/x", self.first("build", "--load", "-t", "127.0.0.1:1/x", context))
        done = self.first.run("build", "--push", "-t", "127.0.0.1:1/x:3", context)
        self.assertEqual((done.code, done.err), (
            1, 'failed to push 127.0.0.1:1/x:3: Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused\n'))
        self.assertIn("127.0.0.1:1/x", self.first("images"))

    def test_triggers_of_an_image_that_must_be_pulled_are_planned(self):
        child = self.server.host + "/onbuild:1"
        self.first("build", "-q", "--push", "-t", child, self.context({
            "Dockerfile": "FROM scratch\nCOPY f /f\nONBUILD COPY --from=tools /made /made\n", "f": "f"}, "parent"))
        context = self.context({"Dockerfile": f"FROM scratch AS unused\nCOPY f /unused\nFROM scratch AS tools\nCOPY f /made\nFROM {child}\n", "f": "made"}, "child")
        out = self.second("build", "-t", "t:1", context)
        self.assertEqual(out.count("Skipped (stage not needed)"), 2)
        self.assertEqual(self.second("cat", "t:1", "/made"), "made")
        # A newer image has other triggers.
        self.first("build", "-q", "--push", "-t", child, self.context({
            "Dockerfile": "FROM scratch\nCOPY f /f\nONBUILD COPY --from=unused /unused /made\n", "f": "f"}, "parent"))
        self.second("build", "--pull", "-t", "t:2", context)
        self.assertEqual(self.second("ls", "t:2", "/").split(), ["f", "made"])

    def test_an_oci_manifest(self):
        self.first("push", "--format", "oci", self.name + ":1")
        data, kind = self.server.manifest("team/app", "1")
        self.assertEqual(kind, "application/vnd.oci.image.manifest.v1+json")
        self.assertEqual(json.loads(data)["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip")
        self.second("pull", self.name + ":1")
        self.assertEqual(self.second("images", "-q", "--no-trunc"), self.image)

    def test_a_terminal_sees_bars(self):
        self.first("push", self.name + ":1")
        parent, child = pty.openpty()
        process = self.second_on(child)
        os.close(child)
        said = b""
        while True:
            try:
                piece = os.read(parent, 4096)
            except OSError:
                piece = b""
            if not piece:
                break
            said += piece
        os.close(parent)
        self.assertEqual(process.wait(60), 0)
        self.assertRegex(said.decode(), r"Downloading \[=+>\] +[0-9.]+k?B/[0-9.]+k?B")
        self.assertIn("\x1b[2K", said.decode())

    def second_on(self, terminal):
        return subprocess.Popen([*self.second.command(), "pull", self.name + ":1"], stdin=subprocess.DEVNULL, stdout=terminal,
                                stderr=terminal, env=self.second.environment() | {"TERM": "xterm"})


class WithOthers(RegistryCase):
    def test_digests_survive_skopeo_and_dockerd(self):
        server = self.registry()
        name = server.host + "/app:1"
        first = self.strata()
        image = self.build(first, name)
        first("push", name)
        digest = digest_of(server.manifest("app", "1")[0])

        subprocess.run(["skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", f"docker://{name}",
                        f"docker://{server.host}/copied:1"], check=True)
        second = self.strata("second")
        second("pull", f"{server.host}/copied:1")
        self.assertEqual(second("images", "-q", "--no-trunc"), image)
        self.assertEqual(self.digest(second, f"{server.host}/copied:1"), digest)

        daemon = self.dockerd("third")
        self.assertIn(digest, daemon("pull", name))
        self.assertEqual(daemon("images", "-q", "--no-trunc"), image)
        daemon("tag", name, f"{server.host}/daemon:1")
        self.assertIn(digest, daemon("push", f"{server.host}/daemon:1"))
        daemon.stop()
        # A store that dockerd has filled: what it noted is used, and the other way round.
        third = self.strata("third")
        third("tag", name, f"{server.host}/fourth:1")
        self.assertEqual(third("push", f"{server.host}/fourth:1").count(": Mounted from "), 3)
        self.assertEqual(third("push", f"{server.host}/fourth:1").count(": Layer already exists"), 3)
        self.assertEqual(digest_of(server.manifest("fourth", "1")[0]), digest)
        daemon.start()
        self.assertEqual(self.lines(daemon("push", f"{server.host}/fourth:1"))[1:-1].count("LAYER: Layer already exists"), 3)
        self.assertEqual(self.lines(daemon("pull", f"{server.host}/fourth:1"))[-3:], [
            "Digest: DIGEST", f"Status: Image is up to date for {server.host}/fourth:1", f"{server.host}/fourth:1"])

    def test_what_dockerd_notes_is_noted(self):
        server = self.registry()
        name = server.host + "/app:1"
        first = self.strata()
        self.build(first, name)
        first("push", name)
        daemon = self.dockerd("theirs")
        daemon("pull", name)
        daemon("push", name)
        daemon.stop()
        ours = self.strata("ours")
        ours("pull", name)
        ours("push", name)

        def notes(root):
            found = {}
            for parent, _, files in os.walk(self.path(root, "image/overlay2/distribution")):
                for file in files:
                    with open(os.path.join(parent, file)) as text:
                        found[os.path.relpath(os.path.join(parent, file), self.path(root))] = text.read()
            return found
        self.assertEqual(notes("ours"), notes("theirs"))

    def test_a_platform_is_chosen(self):
        server = self.registry()
        first = self.strata()
        names = {}
        for architecture in ("amd64", "arm64"):
            context = self.context({"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": architecture}, architecture)
            first("build", "-q", "-t", "x", context)
            names[architecture] = f"{server.host}/x:{architecture}"
            first("tag", "x", names[architecture])
            first("push", "-q", names[architecture])
        entries = []
        for architecture in names:
            data, kind = server.manifest("x", architecture)
            entries.append({"mediaType": kind, "digest": digest_of(data), "size": len(data),
                            "platform": {"os": "linux", "architecture": architecture}})
        index = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}).encode()
        urllib.request.urlopen(urllib.request.Request(f"http://{server.host}/v2/x/manifests/all", data=index, method="PUT", headers={
            "Content-Type": "application/vnd.oci.image.index.v1+json"})).close()
        second = self.strata("second")
        said = second("pull", "--platform", "linux/arm64", f"{server.host}/x:all")
        self.assertIn("Digest: " + digest_of(index), said)
        self.assertEqual(second("cat", f"{server.host}/x:all", "/a"), "arm64")
        second("pull", "--platform", "linux/amd64", f"{server.host}/x:all")
        self.assertEqual(second("cat", f"{server.host}/x:all", "/a"), "amd64")
        done = second.run("pull", "--platform", "linux/s390x", f"{server.host}/x:all")
        self.assertEqual(done.err, "Error response from daemon: no matching manifest for linux/s390x in the manifest list entries\n")


if __name__ == "__main__":
    unittest.main()
