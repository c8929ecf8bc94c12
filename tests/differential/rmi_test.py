"""Removal of images, containers and what nobody uses, and what it frees: Strata beside a real dockerd, command by command.

Both do the same on stores of their own. Every ID becomes a word for what it is, so that also the order of lines is compared:
`image(app:1)`, `step(app:1, 2)`, `layer(app:1, 0)`.
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from tests.support import rootfs
from tests.support.case import SCRATCH, StoreCase
from tests.support.dockerd import Dockerd
from tests.support.engine import Strata
from tests.support.golden import normalise

DIGEST = "sha256:" + "5" * 64

# What a scenario may start from; `BASE` is busybox as bb:1.
BASE = [("import", "BASE", "bb:1")]
APP = [*BASE, ("build", "-q", "-t", "app:1", "-f", "CONTEXT/app", "CONTEXT")]
TWO = [*APP, ("build", "-q", "-t", "two:1", "-f", "CONTEXT/two", "CONTEXT")]
STOPPED = [*BASE, ("create", "--name", "c1", "bb:1", "true")]
RUNNING = [*BASE, ("run", "-d", "--network", "none", "--name", "r1", "bb:1", "sleep", "1000")]
WRITTEN = [*BASE, ("run", "--network", "none", "--name", "w1", "bb:1", "sh", "-c", "echo hello > /f"), ("commit", "w1", "cc:1")]
DANGLING = [*BASE, ("import", "BASE", "bb:1"), ("import", "BASE", "bb:1")]
FILES = {"app": "FROM bb:1\nENV A=1\nCOPY f /f\nLABEL kind=app other=\nCOPY g /g\n", "two": "FROM app:1\nCOPY f /h\n",
         "f": "f\n", "g": "gg\n" * 1000}

# name: what stands there before, the commands that are compared. {x} is the ID of image x, {x!} its first 12 digits.
SCENARIOS = {
    "an image by its only name": (BASE, [("rmi", "bb:1")]),
    "without tag": ([*BASE, ("tag", "bb:1", "other")], [("rmi", "other"), ("rmi", "docker.io/library/bb:1")]),
    "by its ID": (BASE, [("rmi", "{bb:1}")]),
    "by a part of its ID": (BASE, [("image", "rm", "{bb:1!}")]),
    "one of two names": ([*BASE, ("tag", "bb:1", "bb:2")], [("rmi", "bb:2"), ("rmi", "bb:2"), ("rmi", "bb:1")]),
    "by ID with two names": ([*BASE, ("tag", "bb:1", "bb:2")], [("rmi", "{bb:1}"), ("rmi", "{bb:1!}"), ("rmi", "-f", "{bb:1!}")]),
    "by ID with names in two repositories": (
        [*BASE, ("tag", "bb:1", "aa:2"), ("tag", "bb:1", "localhost:5000/x/y")], [("rmi", "{bb:1}"), ("rmi", "--force", "{bb:1}")]),
    "what is not there": ((), [("rmi", "nosuch"), ("rmi", "-f", "nosuch:1"), ("rmi", "0" * 64), ("rmi", "sha256:" + "0" * 64),
                               ("rmi", "sha256:abc"), ("rmi", "nosuch", "UPPER", "x@y", "also/not"), ("rmi", "-f", "nosuch", "UPPER")]),
    "several, some of them missing": ([*BASE, ("tag", "bb:1", "bb:2")], [("rmi", "nosuch", "bb:1", "nosuch:2", "bb:2", "bb:1")]),
    "several with force, some missing": ([*BASE, ("tag", "bb:1", "bb:2")], [("rmi", "-f", "nosuch", "bb:1", "bb:2")]),
    "mistakes in the command line": ((), [("rmi",), ("image", "rm"), ("rmi", "--nope", "x"), ("image", "prune", "x")]),
    "a built image with its steps": (APP, [("rmi", "app:1")]),
    "a built image without its steps": (APP, [("rmi", "--no-prune", "app:1"), ("images", "-a", "--format", "{{.ID}}"), ("image", "prune", "-f")]),
    "a base that has a child": (APP, [("rmi", "{bb:1}"), ("rmi", "-f", "{bb:1!}"), ("rmi", "bb:1"), ("rmi", "app:1")]),
    "a step that has a child": (TWO, [("rmi", "{app:1}"), ("rmi", "-f", "app:1"), ("rmi", "two:1")]),
    "the grandchild": (TWO, [("rmi", "two:1"), ("rmi", "app:1", "bb:1")]),
    "all three at once": (TWO, [("rmi", "bb:1", "app:1", "two:1")]),
    "two images of one layer": ([*BASE, ("import", "BASE", "cc:1")], [("rmi", "bb:1"), ("rmi", "cc:1")]),
    "a stopped container by name": (STOPPED, [("rmi", "bb:1"), ("rmi", "-f", "bb:1"), ("rm", "c1")]),
    "a stopped container by ID": (STOPPED, [("rmi", "{bb:1}"), ("rmi", "-f", "{bb:1}"), ("ps", "-a", "--format", "{{.Image}}")]),
    "a stopped container and two names": ([*STOPPED, ("tag", "bb:1", "bb:2")], [("rmi", "bb:1"), ("rmi", "bb:2"), ("rmi", "{bb:1}")]),
    "a running container": (RUNNING, [("rmi", "bb:1"), ("rmi", "{bb:1}"), ("rmi", "-f", "{bb:1}"), ("rmi", "-f", "bb:1"), ("images", "--format", "{{.Tag}}")]),
    "a running container and two names": ([*RUNNING, ("tag", "bb:1", "bb:2")], [("rmi", "-f", "{bb:1}"), ("rmi", "bb:1"), ("rmi", "bb:2")]),
    "an image of a container that was committed": (WRITTEN, [("rmi", "bb:1"), ("rmi", "cc:1"), ("rm", "w1"), ("rmi", "bb:1")]),
    "dangling images": (DANGLING, [("images", "-f", "dangling=true", "--format", "{{.Repository}}"), ("image", "prune", "-f"), ("image", "prune", "-f")]),
    "questions": (DANGLING, [("image", "prune", "?n"), ("image", "prune", "?"), ("image", "prune", "?yes"), ("image", "prune", "-a", "?no"),
                             ("container", "prune", "?n"), ("system", "prune", "?n"), ("system", "prune", "-a", "--volumes", "?N"),
                             ("system", "prune", "--filter", "until=24h", "--filter", "label!=x", "?"), ("image", "prune", "?Y")]),
    "all unused images": (TWO, [("image", "prune", "-a", "-f")]),
    "all unused images but those of containers": (
        [*TWO, ("create", "--name", "c1", "app:1", "true"), ("import", "BASE", "zz:1")], [("image", "prune", "-a", "-f"), ("rm", "c1"), ("image", "prune", "--all", "--force")]),
    "prune by label": (TWO, [("image", "prune", "-a", "-f", "--filter", "label=nosuch"), ("image", "prune", "-a", "-f", "--filter", "label=kind=other"),
                             ("image", "prune", "-a", "-f", "--filter", "label!=kind"), ("image", "prune", "-a", "-f", "--filter", "label=kind=app", "--filter", "label=other")]),
    "prune by age": (DANGLING, [("image", "prune", "-f", "--filter", "until=1h"), ("image", "prune", "-f", "--filter", "until=2099-01-01")]),
    "bad filters": (BASE, [("image", "prune", "-f", "--filter", "x=y"), ("image", "prune", "-f", "--filter", "x"), ("image", "prune", "-f", "--filter", "until=x"),
                           ("image", "prune", "-f", "--filter", "until=1h", "--filter", "until=2h"), ("container", "prune", "-f", "--filter", "dangling=true"),
                           ("image", "prune", "-f", "--filter", "dangling=x"), ("system", "prune", "-f", "--volumes", "--filter", "until=1h"),
                           ("system", "prune", "-f", "--filter", "x=y")]),
    "prune of all by a filter": (BASE, [("image", "prune", "-f", "--filter", "dangling=false")]),
    "stopped containers": ([*WRITTEN, ("create", "--name", "c1", "--label", "a=b", "bb:1", "true"), *RUNNING[1:]], [
        ("container", "prune", "-f", "--filter", "label=a=c"), ("container", "prune", "-f", "--filter", "until=1h"),
        ("container", "prune", "-f", "--filter", "label!=a"), ("container", "prune", "-f"), ("container", "prune", "-f"),
        ("ps", "-a", "--format", "{{.Names}}")]),
    "system prune": ([*APP, ("import", "BASE", "bb:1"), ("create", "--name", "c1", "-v", "/data", "bb:1", "true"), *RUNNING[1:]], [
        ("system", "prune", "-f"), ("system", "prune", "-f", "-a"), ("system", "df"), ("system", "prune", "-f", "--volumes")]),
    "disk usage": ([*TWO, *WRITTEN[1:], ("create", "--name", "c1", "-v", "/data", "bb:1", "true"), ("tag", "app:1", "app:2"), *RUNNING[1:]], [
        ("system", "df"), ("system", "df", "--format", "{{json .}}"), ("system", "df", "--format", "table {{.Type}}\t{{.Size}}"),
        ("system", "df", "--format", "{{.Nope}}"), ("system", "df", "-v"), ("system", "df", "-v", "--format", "{{range .Images}}{{json .}}\n{{end}}"),
        ("system", "df", "-v", "--format", "{{range .Containers}}{{.Names}} {{.Size}} {{.LocalVolumes}}\n{{end}}"),
        ("system", "df", "-v", "--format", "{{range .Volumes}}{{.Driver}} {{.Links}} {{.Size}} {{.Scope}}\n{{end}}{{json .BuildCache}}")]),
    "disk usage of nothing": ((), [("system", "df"), ("system", "df", "-v")]),
    "filters of images": ([*TWO, ("import", "BASE", "bb:1"), ("tag", "bb:1", "reg.example:5000/a/b:c")], [
        *(("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", *words) for words in (
            ("-a",), ("-f", "dangling=true"), ("-f", "dangling=false"), ("-af", "dangling=true"), ("-af", "dangling=0"), ("-f", "dangling=true", "-f", "dangling=false"),
            ("-f", "dangling=x"), ("-f", "label=kind"), ("-f", "label=kind=app", "-f", "label=other"), ("-f", "label=kind=x"), ("-f", "label!=kind"),
            ("-f", "before=two:1"), ("-f", "since=app:1"), ("-f", "before={two:1!}", "-f", "since={bb:1}"), ("-f", "before=nosuch"), ("-f", "since=UP"),
            ("-f", "reference=*:1"), ("-f", "reference=a*"), ("-f", "reference=*/*/*"), ("-f", "reference=["), ("-f", "reference=a*", "-f", "reference=t*"),
            ("-f", "reference=app:2"), ("-f", "foo=bar"), ("-f", "foo"), ("-f", " LABEL = kind=app "), ("a*",), ("app:1",), ("app:3",), ("-a", "b?")))]),
    "names with digests": ([*BASE, ("tag", "bb:1", "aa:1"), "digests"], [
        ("images", "--digests", "--format", "{{.Repository}} {{.Tag}} {{.Digest}}"), ("images", "--format", "{{.Repository}} {{.Tag}}"), ("images", "--digests"),
        ("images", "-f", "dangling=true", "--format", "{{.Repository}} {{.Tag}}"), ("images", "-f", "reference=bb", "--digests"),
        ("rmi", "{bb:1!}"), ("rmi", "aa:1"), ("rmi", "bb@" + DIGEST), ("rmi", "bb:1")]),
    "only a digest left": ([*BASE, ("tag", "bb:1", "aa:1"), "digests"], [
        ("rmi", "bb:1"), ("images", "--digests", "--format", "{{.Repository}} {{.Tag}} {{.Digest}}"), ("image", "prune", "-f"), ("rmi", "-f", "{bb:1}")]),
    "pruning what has only a digest": ([*BASE, "only a digest"], [
        ("images", "--format", "{{.Repository}} {{.Tag}}"), ("images", "-f", "dangling=true", "--digests"), ("rmi", "bb"), ("image", "prune", "-f")]),
}


class Side:
    """One engine with its store, and the words for its IDs."""

    def __init__(self, engine, folder):
        self.engine, self.folder, self.words = engine, folder, {}

    def clear(self):
        for listing, removal in ((("ps", "-aq"), ("rm", "-f", "-v")), (("images", "-q"), ("rmi", "-f")), (("images", "-q"), ("rmi", "-f"))):
            names = sorted(set(self.engine(*listing).split()))
            if names:
                self.engine.run(*removal, *names)
        self.engine("system", "prune", "-a", "-f", "--volumes")
        self.words = {}

    def prepare(self, steps):
        for step in steps:
            if isinstance(step, str):
                self.add_digests(only=step == "only a digest")
            else:
                self.engine(*self.arguments(step))
            self.learn()

    def add_digests(self, only):
        """As a pull would have: docker lets nobody write them."""
        daemon = isinstance(self.engine, Dockerd)
        if daemon:
            self.engine.stop()
        path = os.path.join(self.engine.root, "image/overlay2/repositories.json")
        with open(path) as file:
            content = json.load(file)
        names = content["Repositories"]["bb"]
        names["bb@" + DIGEST] = names["bb:1"]
        if only:
            del names["bb:1"]
        with open(path, "w") as file:
            json.dump(content, file)
        if daemon:
            self.engine.start()

    def learn(self):
        """Gives words to all IDs that have none yet."""
        names = self.engine("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").splitlines()
        for name, image in sorted(line.split() for line in names):
            if name.startswith("<none>"):
                name = "none"
            self.words.setdefault(image, f"image({name})")
            for number, step in enumerate(self.engine("history", "-q", "--no-trunc", image).split()):
                self.words.setdefault(step, f"step({name}, {number})")
            chain = ""
            for number, diff in enumerate(json.loads(self.engine("image", "inspect", "--format", "{{json .RootFS.Layers}}", image)) or []):
                chain = self.chain(chain, diff)
                self.words.setdefault(chain, f"layer({name}, {number})")
        for line in self.engine("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}}").splitlines():
            container, name = line.split()
            self.words.setdefault(container, f"container({name})")

    @staticmethod
    def chain(parent, diff):
        return "sha256:" + hashlib.sha256(f"{parent} {diff}".encode()).hexdigest() if parent else diff

    def image(self, name):
        return next(image for image, word in self.words.items() if word == f"image({name})")

    def arguments(self, words):
        def one(word):
            word = word.replace("CONTEXT", self.folder).replace("BASE", os.path.join(self.folder, "../base.tar"))
            return re.sub(r"^(.*=)?\{(\w+:\d)(!?)\}$", lambda m: (m[1] or "") + (
                self.image(m[2]).removeprefix("sha256:")[:12] if m[3] else self.image(m[2])), word)
        return [one(word) for word in words]

    def comparable(self, text):
        for identifier, word in self.words.items():
            plain = identifier.removeprefix("sha256:")
            text = text.replace(identifier, word).replace(plain, word).replace(plain[:12], word)
        text = normalise(text)
        text = re.sub(r"See '(docker|strata) ", "See 'docker ", text)
        text = re.sub(r"Usage:  (docker|strata) ", "Usage:  docker ", text)
        text = re.sub(r'"(docker|strata) (\S+( \S+)?)" (requires|accepts)', r'"docker \2" \4', text)
        text = re.sub(r"(Less than a second|About a minute|\d+ seconds?) ago", "<time> ago", text)
        text = re.sub(r"Up (Less than a second|\d+ seconds?)", "Up <time>", text)
        text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>", text)
        return re.sub(r" {3,}", "   ", text)  # columns are as wide as times are long

    def run(self, words):
        answer = next((word[1:] + "\n" for word in words if word.startswith("?")), "")
        words = [word for word in words if not word.startswith("?")]
        result = self.engine.run(*self.arguments(words), stdin=answer.encode())
        out = self.comparable(result.out.split("\nLayers on disk:\n")[0])
        if words[:2] == ["system", "df"] or words[0] == "images" or "prune" in words and "-a" in words:
            out = "\n".join(sorted(out.split("\n")))  # docker's volumes, pruned images and names of one image have no order
        return [f"$ {' '.join(words)}", f"exit status {result.code}", "--- stdout", out, "--- stderr", self.comparable(result.err)]

    def left(self):
        return ["\n".join(sorted(self.comparable(self.engine(*words)).split("\n"))) for words in (
            ("images", "-a", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"), ("ps", "-a", "--format", "{{.Names}}"))]


class RemovalTest(StoreCase):
    @classmethod
    def setUpClass(cls):
        cls.roots = tempfile.mkdtemp(prefix="strata-rmi-", dir=SCRATCH)
        cls.addClassCleanup(shutil.rmtree, cls.roots, ignore_errors=True)
        folder = os.path.join(cls.roots, "context")
        os.mkdir(folder)
        rootfs.busybox(os.path.join(cls.roots, "base.tar"))
        for name, content in FILES.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(content)
        cls.ours = Side(Strata(os.path.join(cls.roots, "ours")), folder)
        cls.theirs = Side(Dockerd(os.path.join(cls.roots, "theirs")), folder)
        cls.addClassCleanup(cls.theirs.engine.__exit__)
        cls.theirs.engine.start()

    def test_every_scenario(self):
        for name, (before, commands) in SCENARIOS.items():
            with self.subTest(name):
                told = []
                for side in (self.ours, self.theirs):
                    side.clear()
                    side.prepare(before)
                    lines = [line for words in commands for line in side.run(words)]
                    told.append("\n".join([*lines, "left:", *side.left()]))
                self.assertEqual(told[0], told[1], "(first Strata, second docker)")
        self.ours.clear()

    def tearDown(self):
        self.ours.clear()
        super().tearDown()


class BuildKitCacheTest(StoreCase):
    """Layers and cache directories that only the build cache of a dockerd needs."""

    def build(self, daemon, tag):
        done = subprocess.run([*daemon.command(), "build", "--progress=plain", "--network", "none", "-t", tag, self.path("context")],
                              env=daemon.environment() | {"DOCKER_BUILDKIT": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_they_outlive_the_image_and_go_when_the_cache_is_pruned(self):
        self.context({"Dockerfile": "FROM bb:1\nCOPY f /f\nRUN echo x > /x\n", "f": "f\n"})
        daemon, strata = self.dockerd(), self.strata()
        daemon("import", rootfs.busybox(self.path("base.tar")), "bb:1")
        self.build(daemon, "app:1")
        daemon.stop()
        layers = self.store().layer_ids()
        self.assertEqual(strata("rmi", "app:1").count("Deleted: "), 1)
        strata("system", "prune", "-a", "-f")
        self.assertEqual(self.store().layer_ids(), layers)
        daemon.start()
        daemon("import", self.path("base.tar"), "bb:1")
        self.build(daemon, "app:2")
        self.assertEqual(daemon("run", "--rm", "--network", "none", "app:2", "cat", "/f", "/x"), "f\nx")
        daemon("builder", "prune", "-a", "-f")
        daemon.stop()
        self.assertEqual(strata("rmi", "app:2").count("Deleted: "), 3)


if __name__ == "__main__":
    unittest.main()
