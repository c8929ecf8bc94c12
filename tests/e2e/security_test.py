"""Past vulnerabilities of programs of this kind, each as a test that names its CVE or its class.

The rule behind all: what comes from an image, a tar, a context, a Dockerfile or a running container is never followed
out of the place it belongs to. A folder on the host, `victim`, stands for what an attacker would like to reach.
"""
import ctypes
import gzip
import hashlib
import io
import json
import os
import signal
import stat
import subprocess
import tarfile
import threading
import unittest

from tests.support import rootfs
from tests.support.case import IN_MEMORY, StoreCase
from tests.support.fake_registry import MANIFEST, FakeRegistry, digest_of

BASE = "busybox:test"
SECRET = "the secret of the host"
RENAMEAT2, AT_FDCWD, RENAME_EXCHANGE = 316, -100, 2  # x86-64
LIBC = ctypes.CDLL(None, use_errno=True)


def tar_of(*adders):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for add in adders:
            add(tar)
    return out.getvalue()


def file(name, content="evil\n", mode=0o644):
    return lambda tar: rootfs.add_file(tar, name, content, mode)


def link(name, target):
    return lambda tar: rootfs.add(tar, name, tarfile.SYMTYPE, 0o777, target)


def hard_link(name, target):
    return lambda tar: rootfs.add(tar, name, tarfile.LNKTYPE, 0o644, target)


def folder(name, mode=0o755):
    return lambda tar: rootfs.add(tar, name, tarfile.DIRTYPE, mode)


def device(name, major, minor):
    return lambda tar: rootfs.add(tar, name, tarfile.CHRTYPE, 0o666, "", (major, minor))


class SecurityCase(StoreCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        os.makedirs(self.path("victim/empty"))
        for name in ("f", "hosts", "resolv.conf", "hostname", "blank"):
            with open(self.path("victim", name), "w") as out:
                out.write("" if name == "blank" else SECRET)
        self.before = self.victim()

    def victim(self):
        """Everything that an attack could change of the folder."""
        seen = {}
        for where, folders, files in os.walk(self.path("victim")):
            for name in [".", *folders, *files]:
                path = os.path.join(where, name)
                status = os.lstat(path)
                content = b""
                if stat.S_ISREG(status.st_mode):
                    with open(path, "rb") as data:
                        content = data.read()
                seen[path] = (status.st_mode, status.st_uid, status.st_gid, status.st_nlink, status.st_mtime_ns, content)
        return seen

    def assert_untouched(self):
        self.assertEqual(self.victim(), self.before)

    def import_base(self, *more):
        rootfs.busybox(self.path("base.tar"))
        self.engine("import", self.path("base.tar"), BASE)
        for number, adders in enumerate(more):
            with open(self.path("more.tar"), "wb") as out:
                out.write(tar_of(*adders))
            self.engine("import", self.path("more.tar"), f"more:{number}")

    def build(self, dockerfile, *options, files=None, tag="app:1"):
        number = len(os.listdir(self.folder))
        return self.engine.run("build", "--network", "none", "-t", tag, *options, self.context({"Dockerfile": dockerfile, **(files or {})}, f"context-{number}"))

    def run_in(self, *words, image=BASE):
        return self.engine.run("run", "--rm", "--network", "none", image, *words)

    def assert_no_secret(self, result):
        self.assertNotIn(SECRET, result.out + result.err)


class TarTest(SecurityCase):
    """Layer tars with names that lead out: `..`, absolute, through symbolic links, hard links, whiteouts (CVE-2018-20699 class,
    "zip slip"), by every way in which a tar becomes a layer."""

    def attacks(self):
        v = self.path("victim")
        dots = "../" * 30 + v[1:]
        return {
            "dots": [file(dots + "/f")],
            "absolute": [file(v + "/f")],
            "through an absolute link": [link("l", v), file("l/f")],
            "through a relative link": [link("l", dots), file("l/f"), file("l/new")],
            "through two links": [link("a", v), link("b", "a/empty"), file("b/new")],
            "over a link": [link("f", v + "/f"), file("f")],
            "a folder over a link": [link("d", v), folder("d", 0o777), file("d/f")],
            "hard link out": [hard_link("h", dots + "/f"), file("h")],
            "hard link through a link": [link("l", v), hard_link("h", "l/f"), file("h")],
            "hard link to a link, written": [link("l", v + "/f"), hard_link("h", "l"), file("h")],
            "whiteout through a link": [link("l", v), file("l/.wh.f", "")],
            "opaque through a link": [link("l", v), file("l/.wh..wh..opq", "")],
            "whiteout of dots": [file("d/.wh...", ""), file(".wh...", ""), file(".wh..", "")],
            "whiteout with dots": [file(dots + "/.wh.f", "")],
            "device through a link": [link("l", v), device("l/null", 1, 3)],
            "mode through a link": [link("l", v + "/f"), lambda tar: rootfs.add(tar, "l", tarfile.DIRTYPE, 0o777)],
        }

    def test_import(self):
        for name, adders in self.attacks().items():
            with self.subTest(name):
                self.engine.run("import", "-", "bad:1", stdin=tar_of(*adders))
                self.assert_untouched()
        self.assert_store_sound()

    def archive(self, layers, diff_ids=None):
        """A docker archive of one image; with its name."""
        diff_ids = diff_ids or ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids},
                             "history": [{"created_by": "x"} for _ in layers]}).encode()
        names = [f"{number}/layer.tar" for number in range(len(layers))]
        manifest = [{"Config": "config.json", "RepoTags": ["bad:1"], "Layers": names}]
        return config, tar_of(file("config.json", config), file("manifest.json", json.dumps(manifest)),
                              *(file(name, layer) for name, layer in zip(names, layers)))

    def test_load_also_through_a_link_of_the_layer_below(self):
        for name, adders in self.attacks().items():
            with self.subTest(name):
                for layers in ([tar_of(*adders)], [tar_of(*adders[:1]), tar_of(*adders[1:])]):
                    self.engine.run("load", stdin=self.archive(layers)[1])
                    self.assert_untouched()
        self.assert_store_sound()

    def test_pull(self):
        fake = FakeRegistry()
        self.addCleanup(fake.stop)
        for number, (name, adders) in enumerate(self.attacks().items()):
            layer = tar_of(*adders)
            config, blob = self.archive([layer])[0], gzip.compress(layer)
            fake.blobs |= {digest_of(config): config, digest_of(blob): blob}
            fake.manifests[str(number)] = (MANIFEST, json.dumps({
                "schemaVersion": 2, "mediaType": MANIFEST,
                "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": digest_of(config), "size": len(config)},
                "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": digest_of(blob), "size": len(blob)}]}).encode())
            with self.subTest(name):
                self.engine.run("pull", "-q", f"{fake.host}/x:{number}")
                self.assert_untouched()

    def test_digests_that_are_paths(self):
        fake = FakeRegistry()
        self.addCleanup(fake.stop)
        for number, digest in enumerate(("sha256:../../../../victim/f", "../victim/f", "sha256:" + "a" * 63 + "/", "sha256:")):
            fake.manifests[str(number)] = (MANIFEST, json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
                                                                 "config": {"mediaType": "application/json", "digest": digest, "size": 9}}).encode())
            result = self.engine.run("pull", "-q", f"{fake.host}/x:{number}")
            self.assertEqual(result.code, 1, str(result))
            self.assert_no_secret(result)

    def test_members_of_an_archive_that_lead_out(self):
        """manifest.json names what is outside, or a member that is a link there."""
        v = self.path("victim")
        for name, adders in {
                "config outside": [file("manifest.json", json.dumps([{"Config": v + "/f", "RepoTags": ["b:1"], "Layers": []}]))],
                "config of dots": [file("manifest.json", json.dumps([{"Config": "../" * 30 + v[1:] + "/f", "RepoTags": ["b:1"], "Layers": []}]))],
                "config a link": [link("c", v + "/f"), file("manifest.json", json.dumps([{"Config": "c", "RepoTags": ["b:1"], "Layers": []}]))],
                "manifest a link": [link("manifest.json", v + "/f")]}.items():
            with self.subTest(name):
                result = self.engine.run("load", stdin=tar_of(*adders))
                self.assertNotEqual(result.code, 0)
                self.assert_no_secret(result)
        self.assertEqual(self.store().tags(), {})

    def test_an_oci_layout_in_a_folder_whose_blobs_are_links(self):
        """The same of a named context that is a directory."""
        os.makedirs(self.path("layout/blobs/sha256"))
        digest = "a" * 64
        os.symlink(self.path("victim/f"), self.path("layout/blobs/sha256", digest))
        with open(self.path("layout/oci-layout"), "w") as out:
            out.write('{"imageLayoutVersion":"1.0.0"}')
        with open(self.path("layout/index.json"), "w") as out:
            json.dump({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": len(SECRET),
                                                           "digest": "sha256:" + digest, "annotations": {"org.opencontainers.image.ref.name": "1"}}]}, out)
        result = self.build("FROM lay\n", "--build-context", f"lay=oci-layout://{self.path('layout')}:1")
        self.assertNotEqual(result.code, 0)
        self.assert_no_secret(result)

    def test_deep_nesting_and_bombs(self):
        """Directories thousands deep, names of megabytes, nested JSON: one line or a sound layer, never a crash."""
        deep = [folder("d/" * n + "d") for n in range(0, 1900, 100)]
        self.engine("import", "-", "deep:1", stdin=tar_of(*deep))
        self.assertEqual(self.engine.run("check").code, 0)
        self.engine("rmi", "deep:1")
        for name, data in {"100,000 levels": tar_of(folder("d/" * 100_000 + "d")), "a name of 4 MiB": tar_of(file("n" * (4 << 20))),
                           "a link of 1 MiB": tar_of(link("l", "t" * (1 << 20)))}.items():
            with self.subTest(name):
                result = self.engine.run("import", "-", "deep:1", stdin=data)
                self.assertEqual((result.code, result.err.count("\n")), (1, 1), name + result.err[:500])
        for name in ("manifest.json", "index.json"):
            result = self.engine.run("load", stdin=tar_of(file(name, "[" * 1_000_000), file("oci-layout", '{"imageLayoutVersion":"1.0.0"}')))
            self.assertEqual((result.code, result.err.count("\n")), (1, 1), str(result)[:500])
        self.assert_store_sound()


class ContextTest(SecurityCase):
    """Symbolic links in contexts and images do not lead a COPY or ADD out of them (CVE-2019-13139 and CVE-2018-15664 class)."""

    def test_sources_that_are_links_out_of_the_context(self):
        os.makedirs(self.path("ctx"))
        os.symlink(self.path("victim"), self.path("ctx/absolute"))
        os.symlink("../victim", self.path("ctx/relative"))
        os.symlink("../victim/f", self.path("ctx/file"))
        self.import_base()
        for source in ("absolute/f", "relative/f", "relative/../../victim/f", "../victim/f", "/../victim/f", "file", "absolute/", "relative/*"):
            for word in ("COPY", "ADD"):
                with self.subTest(f"{word} {source}"):
                    with open(self.path("ctx/Dockerfile"), "w") as out:
                        out.write(f"FROM {BASE}\n{word} {source} /x/\nRUN cat /x/* /x || true\n")
                    result = self.engine.run("build", "--network", "none", "-t", "app:1", self.path("ctx"))
                    self.assert_no_secret(result)

    def test_a_dockerfile_and_an_ignore_file_that_lead_out(self):
        os.makedirs(self.path("ctx"))
        os.symlink("../victim/f", self.path("ctx/.dockerignore"))
        with open(self.path("ctx/Dockerfile"), "w") as out:
            out.write("FROM scratch\nCOPY . /\n")
        self.assert_no_secret(self.engine.run("build", "-t", "app:1", self.path("ctx")))

    def test_destinations_that_are_links_in_the_image(self):
        v = self.path("victim")
        cases = ((v, "/l/"), (v, "/l/f"), ("../" * 30 + v[1:], "/l/new"), (v + "/f", "/l"), ("/proc/self/root" + v, "/l/f"))
        self.import_base(*([link("l", target)] for target, _ in cases))
        for n, (target, destination) in enumerate(cases):
            for word in ("COPY f", "ADD a.tar"):
                with self.subTest(f"{word} to {destination} which is {target}"):
                    self.build(f"FROM more:{n}\n{word} {destination}\nWORKDIR /l/w\nCOPY f f\n",
                               files={"f": "evil\n", "a.tar": tar_of(link("k", v), file("f"), file("k/f"))})
                    self.assert_untouched()

    def test_copy_from_an_image_and_from_a_stage_through_links(self):
        self.import_base([link("l", self.path("victim")), link("f", self.path("victim/f")), folder("d")])
        for source in ("/l/f", "/l", "/f", "/d/../l/f", "/proc/1/root" + self.path("victim/f")):
            with self.subTest(source):
                self.assert_no_secret(self.build(f"FROM {BASE}\nCOPY --from=more:0 {source} /x/\nRUN cat /x/*\n"))
                self.assert_no_secret(self.build(f"FROM {BASE} AS one\nRUN ln -s {self.path('victim')} /l; ln -s {self.path('victim')}/f /f\n"
                                                 f"FROM {BASE}\nCOPY --from=one {source} /x/\nRUN cat /x/*\n"))


class CopyRaceTest(SecurityCase):
    def test_cve_2018_15664_links_that_are_exchanged_while_cp_runs(self):
        self.import_base()
        box = self.engine("run", "-d", "--name", "box", "--network", "none", BASE, "sh", "-c",
                          f"mkdir /a && echo inside > /a/f && ln -s {self.path('victim')} /b && echo ready; exec sleep 1000")
        try:
            self.wait_until(lambda: "ready" in self.engine("logs", "box"), "its word")
            root = f"/proc/{self.engine('inspect', '-f', '{{.State.Pid}}', 'box')}/root"
            stop = threading.Event()
            swaps = 0

            def exchange():
                nonlocal swaps
                while not stop.is_set():
                    LIBC.syscall(RENAMEAT2, AT_FDCWD, os.fsencode(root + "/a"), AT_FDCWD, os.fsencode(root + "/b"), RENAME_EXCHANGE)
                    swaps += 1

            thread = threading.Thread(target=exchange)
            thread.start()
            try:
                with open(self.path("mine"), "w") as out:
                    out.write("mine\n")
                for number in range(60):
                    out = self.engine.run("cp", "box:/a/f", "-")
                    self.assertNotIn(SECRET, out.out)
                    self.engine.run("cp", self.path("mine"), "box:/a/" + ("f" if number % 2 else "new"))
                    self.assert_untouched()
            finally:
                stop.set()
                thread.join()
            self.assertGreater(swaps, 1000)
        finally:
            self.engine("rm", "-f", box)


class CacheTest(SecurityCase):
    def test_cve_2024_24557_an_image_made_to_look_like_a_step_is_no_cache(self):
        """The classic builder takes the child of the parent with the config of the step: only what was built here counts."""
        for first in ("FROM scratch", f"FROM {BASE}"):
            with self.subTest(first):
                self.import_base()
                dockerfile, files = f"{first}\nCOPY f /f\nLABEL a=b\n", {"f": "good\n"}
                self.assertEqual(self.build(dockerfile, files=files, tag="good:1").code, 0)
                crafted = self.craft("good:1")
                self.engine("rmi", "-f", "good:1")
                self.engine("image", "prune", "-f")
                self.engine("load", stdin=crafted)
                built = self.build(dockerfile, files=files, tag="mine:1")
                self.assertEqual(built.code, 0, str(built))
                self.assertNotIn("Using cache", built.out)
                self.assertEqual(self.engine("cat", "mine:1", "/f"), "good")

    def craft(self, name):
        """The archive of that image, with "evil" in its file and a config that fits that, else the same."""
        with tarfile.open(fileobj=io.BytesIO(subprocess.run([*self.engine.command(), "save", name], check=True, stdout=subprocess.PIPE).stdout)) as tar:
            members = {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}
        manifest = json.loads(members["manifest.json"])
        config = json.loads(members[manifest[0]["Config"]])
        evil = tar_of(file("f", "evil\n"))
        layers = [members[path] for path in manifest[0]["Layers"][:-1]] + [evil]
        config["rootfs"]["diff_ids"][-1] = "sha256:" + hashlib.sha256(evil).hexdigest()
        data = json.dumps(config).encode()
        names = [f"{n}.tar" for n in range(len(layers))]
        return tar_of(file("c.json", data), *(file(n, layer) for n, layer in zip(names, layers)),
                      file("manifest.json", json.dumps([{"Config": "c.json", "RepoTags": ["evil:1"], "Layers": names}])))


class DescriptorTest(SecurityCase):
    """CVE-2024-21626: a descriptor that leads out, of the engine or of who called it, gets into a container."""
    LIST = "for f in /proc/self/fd/*; do echo ${f##*/}=$(readlink $f); done"

    def setUp(self):
        super().setUp()
        self.import_base()

    def assert_only_its_own(self, text):
        """What `LIST` prints: 0, 1, 2, and what the shell itself opens."""
        for line in text.splitlines():
            number, _, target = line.partition("=")
            self.assertTrue(int(number) <= 2 or target == "" or target.startswith("/proc/") or target.startswith("pipe:"), text)
            self.assertNotIn(self.folder, target, text)

    def test_containers_get_no_descriptor_of_ours_or_of_the_caller(self):
        fd = os.open(self.path("victim"), os.O_RDONLY)
        os.set_inheritable(fd, True)
        try:
            def told(*words):
                return subprocess.run([*self.engine.command(), *words], check=True, pass_fds=[fd], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, text=True).stdout

            self.assert_only_its_own(told("run", "--rm", "--network", "none", BASE, "sh", "-c", self.LIST))
            told("run", "-d", "--name", "box", "--network", "none", BASE, "sh", "-c", self.LIST + "; echo ready; exec sleep 1000")
            self.wait_until(lambda: "ready" in self.engine("logs", "box"), "its word")
            self.assert_only_its_own(self.engine("logs", "box").replace("ready", "").strip())
            self.assert_only_its_own(told("exec", "box", "sh", "-c", self.LIST))
            pid = int(self.engine("inspect", "-f", "{{.State.Pid}}", "box"))
            self.assert_nothing_open(pid)
            with open(f"/proc/{pid}/stat") as status:
                self.assert_nothing_open(int(status.read().rpartition(")")[2].split()[1]))  # conmon
            self.engine("rm", "-f", "box")
            folder = self.context({"Dockerfile": f"FROM {BASE}\nRUN {self.LIST} > /fds\n"}, "fds")
            told("build", "-q", "--network", "none", "-t", "fds:1", folder)
            self.assert_only_its_own(self.engine("cat", "fds:1", "/fds"))
        finally:
            os.close(fd)

    def assert_nothing_open(self, pid):
        """No lock, lease or directory of the store, which would hold up others, and nothing of the caller."""
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{name}")
            except FileNotFoundError:
                continue
            for place in ("victim", "store/strata/lock", "store/strata/leases", "removal.lock", "references.lock", "metadata.db", "store/image",
                          "store/overlay2"):
                self.assertFalse(target.startswith(self.path(place)) or target.endswith("/" + place), f"{pid} has {target}")

    def test_working_directories_that_are_descriptors(self):
        reach = "cat " + " ".join("../" * n + self.path("victim/f")[1:] for n in (1, 6, 12))
        self.engine("run", "-d", "--name", "box", "--network", "none", BASE, "sleep", "1000")
        try:
            for number in range(3, 12):
                where = f"/proc/self/fd/{number}" + ("/../.." if number % 4 == 3 else "")
                self.assert_no_secret(self.engine.run("run", "--rm", "--network", "none", "-w", where, BASE, "sh", "-c", reach))
                self.assert_no_secret(self.engine.run("exec", "-w", where, "box", "sh", "-c", reach))
            for where in ("/proc/self/fd/8", "/proc/self/cwd/../..", "/proc/1/root"):
                self.assert_no_secret(self.build(f"FROM {BASE}\nWORKDIR {where}\nRUN {reach}\n"))
        finally:
            self.engine("rm", "-f", "box")


class MountTest(SecurityCase):
    def setUp(self):
        super().setUp()
        self.import_base()

    def test_cve_2024_23651_sources_of_mounts_that_are_links(self):
        """--mount=type=cache and bind with a source that is, or becomes, a symbolic link to the host."""
        v = self.path("victim")
        self.assertEqual(self.build(f"FROM {BASE}\nRUN ln -s {v} /l && ln -s {'../' * 30 + v[1:]} /r && ln -s {v}/f /f\n", tag="evil:1").code, 0)
        for source in ("/l", "/r", "/f", "../" * 30 + v[1:]):
            for kind in ("cache", "bind"):
                with self.subTest(f"{kind} of {source}"):
                    result = self.build(f"FROM {BASE}\nRUN --mount=type={kind},from=evil:1,source={source},target=/m cat /m /m/f; echo evil > /m/f; true\n", "--no-cache")
                    self.assert_no_secret(result)
                    self.assert_untouched()
        os.symlink(v, os.path.join(self.context({"Dockerfile": f"FROM {BASE}\nRUN --mount=type=bind,source=l,target=/m cat /m/f; true\n"}, "linked"), "l"))
        self.assert_no_secret(self.engine.run("build", "--network", "none", self.path("linked")))

    def test_cve_2024_23651_a_cache_whose_folder_became_a_link(self):
        """The content of a cache mount is an earlier step's: what it made of itself is not followed."""
        v = self.path("victim")
        self.build(f"FROM {BASE}\nRUN --mount=type=cache,id=c,target=/c ln -s {v} /c/sub\n")
        result = self.build(f"FROM {BASE}\nRUN --mount=type=cache,id=c,source=sub,target=/m cat /m/f; echo evil > /m/f; true\n")
        self.assert_no_secret(result)
        self.assert_untouched()

    def test_cve_2024_23652_stubs_of_mounts_are_not_removed_through_links(self):
        """After a RUN the builder takes away what it made to mount on: the step may have put a link to the host there."""
        v = self.path("victim")
        for kind, target, exchange in (
                ("tmpfs", "/x/empty", f"mv /x /y && ln -s {v} /x"),
                ("cache", "/x/empty", f"mv /x /y && ln -s {v} /x"),
                ("bind,from=busybox:test,source=/etc/passwd", "/x/blank", f"mv /x /y && ln -s {v} /x"),
                ("secret,id=s", "/x/blank", f"mv /x /y && ln -s {v} /x"),
                ("tmpfs", "/p/q/empty", f"mv /p/q /p/y && ln -s {v} /p/q")):
            with self.subTest(kind):
                with open(self.path("s"), "w") as out:
                    out.write("s")
                self.build(f"FROM {BASE}\nRUN --mount=type={kind},target={target} {exchange} || true\n", "--secret", f"id=s,src={self.path('s')}", "--no-cache")
                self.assert_untouched()

    def test_cve_2024_23653_nobody_gets_more_rights_unasked(self):
        result = self.build(f"# syntax=docker/dockerfile:1\nFROM {BASE}\nRUN --security=insecure mknod /dev/x b 8 0\n")
        self.assertNotEqual(result.code, 0, str(result))
        result = self.build(f"FROM {BASE}\nRUN grep CapEff /proc/self/status > /caps\n")
        caps = int(self.engine("cat", "app:1", "/caps").split()[1], 16)
        self.assertFalse(caps & (1 << 21), "CAP_SYS_ADMIN")

    def test_files_that_are_mounted_over_links(self):
        """/etc/hosts, resolv.conf and hostname of an image, and volumes, may be links (CVE-2015-3629, CVE-2019-19921, CVE-2021-30465 class)."""
        v = self.path("victim")
        for name, dockerfile in {
                "files": "\n".join(f"RUN rm -f /etc/{n}; ln -s {v}/{n} /etc/{n}" for n in ("hosts", "resolv.conf", "hostname")),
                "folder": f"RUN cp -r /etc /etc2 && rm -r /etc && ln -s {v} /etc",
                "proc and dev": f"RUN ln -s {v} /l\nVOLUME /l/empty"}.items():
            with self.subTest(name):
                self.build(f"FROM {BASE}\n{dockerfile}\n", tag="links:1")
                result = self.engine.run("run", "--rm", "--network", "none", "links:1", "sh", "-c", "cat /etc/hosts /etc/resolv.conf; echo evil > /etc/hosts; echo e > /l/empty/e")
                self.assert_no_secret(result)
                self.build("FROM links:1\nRUN echo evil > /etc/hosts; true\n", tag="more:1")
                self.assert_untouched()
        for target in ("/l/f", "/l/new"):
            self.engine.run("run", "--rm", "--network", "none", "-v", f"{self.path('base.tar')}:{target}", "links:1", "true")
            self.assert_untouched()

    def test_proc_and_sys_are_masked_and_read_only(self):
        """CVE-2016-8867 and CVE-2019-16884 class: nothing of the kernel is written from a container."""
        result = self.run_in("sh", "-c", "echo x > /proc/sys/kernel/core_pattern; echo b > /proc/sysrq-trigger; echo 1 > /sys/kernel/profiling; "
                             "wc -c < /proc/kcore; ls /proc/acpi /sys/firmware | wc -l")
        self.assertEqual(result.err.count("can't create"), 3, str(result))
        self.assertGreaterEqual(result.err.count("Read-only file system"), 2, str(result))

    def test_a_container_may_not_make_block_devices_of_the_host_readable(self):
        result = self.run_in("sh", "-c", "mknod /sda b 8 0 && cat /sda | head -c 1; mknod /mem c 1 1 && head -c 1 /mem")
        self.assertIn("not permitted", result.err)


class PrivilegeTest(SecurityCase):
    def test_nobody_but_root_gets_to_files_of_images(self):
        """CVE-2021-41091: programs with setuid in the data-root, which other users could call."""
        self.import_base([file("suid", "#!/bin/sh\n", 0o4755)])
        self.engine("create", "--name", "box", BASE, "true")
        store = self.store()
        os.chmod(self.folder, 0o755)
        expected = {"": 0o710, "overlay2": 0o710, "containers": 0o710, "image": 0o700, "strata": 0o700, "overlay2/l": 0o700}
        for name, mode in expected.items():
            self.assertEqual(oct(os.stat(store.path(name)).st_mode & 0o7777), oct(mode), name)
        for cache in store.cache_ids():
            self.assertEqual(os.stat(store.path("overlay2", cache)).st_mode & 0o007, 0, cache)
        suid = next(layer.diff for image in store.image_ids() for layer in store.layers(image) if os.path.exists(layer.diff + "/suid"))
        for path in (suid + "/suid", store.path("image"), store.path("strata/version")):
            seen = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "test", "-e", path])
            self.assertEqual(seen.returncode, 1, path)

    def test_secrets_are_nowhere_but_in_their_step(self):
        """Not in layers, configs, history, cache keys, logs, metadata, or the arguments of any process."""
        self.import_base()
        value, other = "s3cr3t-value-of-a-file", "s3cr3t-value-of-a-variable"
        with open(self.path("key"), "w") as out:
            out.write(value)
        folder = self.context({"Dockerfile": f"FROM {BASE}\nRUN --mount=type=secret,id=key --mount=type=secret,id=tok,env=TOK,target=/tok "
                               f"test -n \"$TOK\" && wc -c < /run/secrets/key > /n && wc -c < /tok >> /n && sleep {self.mark}\n"}, "secret")
        process = subprocess.Popen([*self.engine.command(), "build", "--progress", "plain", "--network", "none", "-t", "s:1", "--secret",
                                    f"id=key,src={self.path('key')}", "--secret", "id=tok,env=MY_TOKEN", folder],
                                   env=self.engine.environment() | {"MY_TOKEN": other}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        sleeper = 0
        try:
            sleeper = self.wait_for_process("sleep", self.mark)
            for pid in filter(str.isdigit, os.listdir("/proc")):
                words = self.read(f"/proc/{pid}/cmdline")
                self.assertFalse(value.encode() in words or other.encode() in words, f"{pid}: {words}")
            self.assert_nowhere(value, other)
        finally:
            os.kill(sleeper or process.pid, signal.SIGKILL)
            out = process.communicate(timeout=60)[0].decode()
        self.assertNotIn(value, out)
        self.assertNotIn(other, out)
        with open(self.path("secret/Dockerfile"), "r+") as dockerfile:
            text = dockerfile.read().replace(f" && sleep {self.mark}", "")
            dockerfile.seek(0)
            dockerfile.truncate()
            dockerfile.write(text)
        os.environ["MY_TOKEN"] = other
        self.addCleanup(os.environ.pop, "MY_TOKEN")
        self.engine("build", "--network", "none", "-t", "s:1", "--secret", f"id=key,src={self.path('key')}", "--secret", "id=tok,env=MY_TOKEN", folder)
        self.assertEqual(self.engine("cat", "s:1", "/n").split(), [str(len(value)), str(len(other))])
        self.assert_nowhere(value, other)
        saved = subprocess.run([*self.engine.command(), "save", "s:1"], check=True, stdout=subprocess.PIPE).stdout
        self.assertFalse(value.encode() in saved or other.encode() in saved)

    @staticmethod
    def read(path):
        try:
            with open(path, "rb") as data:
                return data.read()
        except OSError:
            return b""

    def assert_nowhere(self, *values):
        """In no file of the data-root, and in no name there."""
        for where, folders, files in os.walk(self.store().root):
            for name in [*folders, *files]:
                path = os.path.join(where, name)
                data = self.read(path) if os.path.isfile(path) and not os.path.islink(path) else b""
                for value in values:
                    self.assertFalse(value.encode() in data or value in name, path)
        for path in filter(lambda p: p.endswith(".gz"), (os.path.join(w, n) for w, _, names in os.walk(self.store().root) for n in names)):
            data = gzip.decompress(self.read(path))
            self.assertFalse(any(value.encode() in data for value in values), path)


if __name__ == "__main__":
    unittest.main()
