"""A build cache that several hosts share: in a registry, in a directory, with the image; what it may not do."""
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import unittest
import urllib.request

from tests.e2e.registry_test import RegistryCase
from tests.support import rootfs, sample
from tests.support.case import IN_MEMORY, PATIENCE
from tests.support.registry import Registry

STEPS = """\
FROM {base} AS tools
RUN cat /proc/sys/kernel/random/uuid > /tool
RUN cat /proc/sys/kernel/random/uuid > /other && cp /tool /made
FROM {base}
ENV A=1
WORKDIR /w
COPY f /f
RUN cat /proc/sys/kernel/random/uuid > /now
RUN true
COPY --from=tools /made /made
CMD ["x"]
"""


class SharedCache(RegistryCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.base = rootfs.busybox(self.path("base.tar"))
        self.folder_ = self.context({"Dockerfile": STEPS.format(base=sample.BASE), "f": "f"})
        self.image = self.path("base.image.tar")
        self.first = self.host("first")
        self.second = self.host("second")

    def host(self, root):
        """A store with the base image alone: the same one everywhere."""
        engine = self.strata(root)
        if not os.path.exists(self.image):
            engine("import", self.base, sample.BASE)
            engine("save", "-o", self.image, sample.BASE)
        else:
            engine("load", "-q", "-i", self.image)
        return engine

    def build(self, engine, *options, folder=None, tag="t:1"):
        done = engine.run("build", "--network", "none", "-t", tag, *options, folder or self.folder_)
        self.assertEqual(done.code, 0, done)
        return done

    def layers(self, engine, tag="t:1"):
        return json.loads(engine("image", "inspect", "--format", "{{json .RootFS.Layers}}", tag))

    def ran(self, done):
        """The instructions that were no hits, by their first word."""
        steps = re.split(r"(?m)^Step \d+/\d+ : ", done.out)[1:]
        return [step.split()[0] for step in steps if "Using cache" not in step and not step.startswith("FROM")]

    def blobs_fetched(self, server):
        return sum(re.match("GET /v2/[a-z/]+/blobs/", request) is not None for request in server.requests())

    def manifests_put(self):
        return sum(request.startswith("PUT /v2/team/cache/manifests/") for request in self.server.requests())


class InRegistry(SharedCache):
    def setUp(self):
        super().setUp()
        self.server = self.registry()
        self.ref = self.server.host + "/team/cache"
        self.to, self.source = f"type=registry,ref={self.ref}", f"type=registry,ref={self.ref}"

    def test_the_second_host_does_no_work(self):
        made = self.build(self.first, "--cache-from", self.source, "--cache-to", self.to + ",mode=max")
        self.assertEqual(made.err, "")
        self.assertEqual(self.ran(made), ["RUN", "RUN", "ENV", "WORKDIR", "COPY", "RUN", "RUN", "COPY", "CMD"])
        found = self.build(self.second, "--cache-from", self.source)
        self.assertEqual(found.err, "")
        self.assertEqual(self.ran(found), ["ENV", "CMD"], "metadata alone")
        self.assertEqual(self.layers(self.second), self.layers(self.first))
        self.assert_store_sound("second")

        # A third one, with a change in the middle: what stands above it is run, and only what hits is fetched.
        changed = self.context({"Dockerfile": STEPS.format(base=sample.BASE).replace("RUN true", "RUN echo more > /more"), "f": "f"}, "changed")
        third = self.host("third")
        before = self.blobs_fetched(self.server)
        out = self.build(third, "--cache-from", self.source, folder=changed)
        self.assertEqual(self.ran(out), ["ENV", "RUN", "COPY", "CMD"])
        self.assertEqual(self.blobs_fetched(self.server) - before, 5, "two of tools, WORKDIR, COPY, RUN")
        # What it adds is there for all, and nothing is written twice.
        puts = self.manifests_put()
        self.assertEqual(puts, 7)
        self.build(third, "--cache-to", self.to + ",mode=max", folder=changed)
        self.assertEqual(self.manifests_put() - puts, 2)
        self.assertEqual(self.ran(self.build(self.host("fourth"), "--cache-from", self.source, folder=changed)), ["ENV", "CMD"])
        # Another tag is another cache; --no-cache asks none.
        other = self.build(self.host("fifth"), "--cache-from", self.source + ":branch")
        self.assertEqual(len(self.ran(other)), 9)
        self.assertEqual(len(self.ran(self.build(self.second, "--no-cache", "--cache-from", self.source))), 9)

    def test_min_has_what_the_image_consists_of(self):
        self.build(self.first, "--cache-to", self.to)
        found = self.build(self.second, "--cache-from", self.source)
        # The files of the other stage are new ones, made there.
        self.assertEqual(self.ran(found), ["RUN", "RUN", "ENV", "COPY", "CMD"])
        self.assertEqual(self.layers(self.second)[:4], self.layers(self.first)[:4])
        self.assertEqual(self.manifests_put(), 5)

    def test_what_was_cached_before_is_exported_too(self):
        self.build(self.first)
        again = self.build(self.first, "--cache-to", self.to + ",mode=max,compression=zstd")
        self.assertEqual(self.ran(again), [])
        self.assertEqual(self.ran(self.build(self.second, "--cache-from", self.source)), ["ENV", "CMD"])
        self.assertEqual(self.layers(self.second), self.layers(self.first))

    def test_writers_at_once(self):
        hosts = [self.host(f"host{n}") for n in range(4)]
        running = [subprocess.Popen([*engine.command(), "build", "-q", "--network", "none", "--cache-from", self.source, "--cache-to",
                                     self.to + ",mode=max", self.folder_], env=engine.environment(), stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE) for engine in hosts]
        for process in running:
            out, err = process.communicate(timeout=5 * PATIENCE)
            self.assertEqual((process.returncode, err), (0, b""), out)
        # Whoever was last with a step: those above it are there. Two stages may be of different writers, and then nobody has put the
        # COPY from the one into the other.
        found = self.build(self.second, "--cache-from", self.source)
        self.assertIn(self.ran(found), (["ENV", "CMD"], ["ENV", "COPY", "CMD"]))
        self.assert_store_sound("second")

    def test_a_cache_that_fails_fails_no_build(self):
        gone = self.build(self.first, "--cache-from", "type=registry,ref=127.0.0.1:1/x", "--cache-to", "type=registry,ref=127.0.0.1:1/x",
                          "--cache-from", "type=local,src=" + self.path("nowhere"))
        refused = 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused'
        for text in (f"[Warning] cache 127.0.0.1:1/x:latest is left out: {refused}", f"[Warning] cache 127.0.0.1:1/x:latest was not written: {refused}",
                     f"[Warning] cache {self.path('nowhere')} is left out: open {self.path('nowhere')}: no such file or directory"):
            self.assertEqual(gone.out.count(text), 1, gone.out)
        # A registry that dies in the middle.
        self.build(self.first, "--cache-to", self.to + ",mode=max")
        self.server.stop(signal.SIGKILL)
        dead = self.build(self.second, "--cache-from", self.source)
        self.assertIn("is left out", dead.out)
        self.assertEqual(len(self.ran(dead)), 9)
        self.assert_store_sound("second")

    def test_a_cache_that_lies_is_not_believed(self):
        self.build(self.first, "--cache-to", self.to + ",mode=max")
        tags = self.path("registry/data/docker/registry/v2/repositories/team/cache/_manifests/tags")
        names = sorted(os.listdir(tags))
        manifests = {name: json.loads(self.server.manifest("team/cache", name)[0]) for name in names}
        with_layer = [name for name in names if manifests[name]["annotations"]["io.strata.step.diffid"] != "unchanged"]

        def put(name, manifest):
            body = json.dumps(manifest).encode()
            request = urllib.request.Request(
                f"http://{self.server.host}/v2/team/cache/manifests/{name}", data=body, method="PUT",
                headers={"Content-Type": "application/vnd.oci.image.manifest.v1+json"})
            urllib.request.urlopen(request).close()
        # Each entry stands under another's tag; then each has another's layer; then is something else altogether.
        lies = ({name: manifests[other] for name, other in zip(with_layer, with_layer[1:] + with_layer[:1])},
                {name: manifests[name] | {"layers": manifests[other]["layers"]} for name, other in zip(with_layer, with_layer[1:] + with_layer[:1])},
                {name: {k: v for k, v in manifests[name].items() if k != "artifactType"} for name in with_layer})
        texts = ("it is the result of another step", "invalid diffID", "it is no result of a step")
        for n, (lie, text) in enumerate(zip(lies, texts)):
            for name, manifest in lie.items():
                put(name, manifest)
            root = f"victim{n}"
            victim = self.host(root)
            done = self.build(victim, "--cache-from", self.source)
            self.assertIn(text, done.out)
            self.assertEqual(done.out.count("is left out"), 1, "it is asked no more")
            self.assertIn("RUN", self.ran(done))
            self.assertEqual(victim("cat", "t:1", "/f"), "f")
            self.assert_store_sound(root)

    def test_inline(self):
        name = self.server.host + "/team/app:1"
        self.build(self.first, "--push", "--cache-to", "type=inline", tag=name)
        ids = self.first("images", "-q", "--no-trunc", name)
        self.assertEqual(self.first("build", "-q", "--network", "none", "-t", name, self.folder_), ids, "the image is the same without it")
        found = self.build(self.second, "--cache-from", "type=registry,ref=" + name)
        self.assertEqual(self.ran(found), ["RUN", "RUN", "ENV", "COPY", "CMD"])
        self.assertEqual(self.layers(self.second)[:4], self.layers(self.first, name)[:4])
        puller = self.strata("puller")
        puller("pull", "-q", name)
        self.assertEqual(puller("images", "-q", "--no-trunc"), ids)


class OnTwoMachines(SharedCache):
    """Each host and the registry in a network of its own, joined by a bridge where the registry is."""

    def setUp(self):
        super().setUp()
        self.prefix = "strata-" + secrets.token_hex(4)
        self.networks = [self.prefix + suffix for suffix in ("-r", "-a", "-b")]
        for network in self.networks:
            self.ip("netns", "add", network)
            self.addCleanup(subprocess.run, ["ip", "netns", "delete", network], check=False)
            self.ip("-n", network, "link", "set", "lo", "up")
        middle = self.networks[0]
        self.ip("-n", middle, "link", "add", "bridge", "type", "bridge")
        self.ip("-n", middle, "address", "add", "10.123.0.1/24", "dev", "bridge")
        self.ip("-n", middle, "link", "set", "bridge", "up")
        for n, network in enumerate(self.networks[1:], 2):
            self.ip("-n", network, "link", "add", "eth", "type", "veth", "peer", "name", f"port{n}", "netns", middle)
            self.ip("-n", middle, "link", "set", f"port{n}", "master", "bridge", "up")
            self.ip("-n", network, "address", "add", f"10.123.0.{n}/24", "dev", "eth")
            self.ip("-n", network, "link", "set", "eth", "up")

    def ip(self, *words):
        subprocess.run(["ip", *words], check=True)

    def inside(self, engine, network):
        command = engine.command()
        engine.command = lambda: ["nsenter", f"--net=/run/netns/{network}", *command]
        return engine

    def test_the_second_machine_does_no_work(self):
        server = Registry(self.path("registry"), address="10.123.0.1", words=("nsenter", f"--net=/run/netns/{self.networks[0]}"))
        self.addCleanup(server.close)
        server.start()
        first, second = self.inside(self.first, self.networks[1]), self.inside(self.second, self.networks[2])
        reach = ("--tls-verify=false", "--cache-from", f"type=registry,ref={server.host}/cache", "--cache-to",
                 f"type=registry,ref={server.host}/cache,mode=max")
        self.assertEqual(self.build(first, *reach).err, "")
        found = self.build(second, *reach)
        self.assertEqual((found.err, self.ran(found)), ("", ["ENV", "CMD"]))
        self.assertEqual(self.layers(second), self.layers(first))
        self.assertIn("10.123.0.2", server.log())
        self.assertIn("10.123.0.3", server.log())


class InDirectory(SharedCache):
    def test_a_directory(self):
        cache = self.path("a/cache")
        made = self.build(self.first, "--cache-to", f"type=local,dest={cache},mode=max")
        self.assertEqual(made.err, "")
        subprocess.run(["skopeo", "inspect", "--raw", f"oci:{cache}:{self.keys(cache)[0]}"], check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(self.ran(self.build(self.second, "--cache-from", f"type=local,src={cache}")), ["ENV", "CMD"])
        self.assertEqual(self.layers(self.second), self.layers(self.first))
        # A second export adds; what is there stays as it is.
        before = sorted(os.listdir(cache + "/blobs/sha256"))
        more = self.context({"Dockerfile": f"FROM {sample.BASE}\nRUN echo x > /x\n"}, "more")
        self.build(self.first, "--cache-to", f"type=local,dest={cache}", folder=more)
        self.assertEqual(len(self.keys(cache)), 8)
        self.assertLess(set(before), set(os.listdir(cache + "/blobs/sha256")))
        self.assertEqual(self.ran(self.build(self.second, "--cache-from", f"type=local,src={cache}", folder=more)), [])
        # Damage is seen.
        for blob in os.listdir(cache + "/blobs/sha256"):
            path = os.path.join(cache, "blobs/sha256", blob)
            with open(path, "r+b") as file:
                if file.read(2) == b"\x1f\x8b":
                    file.truncate(os.path.getsize(path) - 9)
        third = self.host("third")
        done = self.build(third, "--cache-from", f"type=local,src={cache}")
        self.assertRegex(done.out, r"cache .* is left out: blobs/sha256/")
        self.assert_store_sound("third")
        shutil.rmtree(cache)

    def keys(self, cache):
        with open(cache + "/index.json") as file:
            return [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in json.load(file)["manifests"]]

    def test_bad_options(self):
        for option, value, error in (
                ("--cache-to", "type=registry", "registry cache exporter requires ref"),
                ("--cache-from", "type=registry", "registry cache importer requires ref"),
                ("--cache-to", "type=local", "local cache exporter requires dest"),
                ("--cache-from", "type=local", "local cache importer requires src"),
                ("--cache-to", "type=gha", 'unknown cache exporter: "gha": must be registry, local or inline'),
                ("--cache-from", "type=s3", 'unknown cache importer: "s3": must be registry, local or image'),
                ("--cache-to", "type=inline,mode=best", 'invalid mode "best": must be min or max'),
                ("--cache-to", "type=registry,ref=x:" + "a" * 64, f"x:{'a' * 64}: the tag of a cache has at most 63 characters"),
                ("--cache-to", "type=registry,ref=x,foo=1", "cache option foo=1 is not supported")):
            done = self.first.run("build", option, value, self.folder_)
            self.assertEqual((done.code, done.err), (1, f"Error response from daemon: {error}\n"))


if __name__ == "__main__":
    unittest.main()
