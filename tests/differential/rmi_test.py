"""Removal of images, containers and what nobody uses, and what it frees: Strata beside a real dockerd, command by command.

How scenarios are written: tests/support/scenario.py.
"""
import subprocess
import unittest

from tests.support import rootfs
from tests.support.case import IN_MEMORY, StoreCase
from tests.support.scenario import BASE, DIGEST, ScenarioCase

# What a scenario may start from; `BASE` is busybox as bb:1.
APP = [*BASE, ("build", "-q", "-t", "app:1", "-f", "CONTEXT/app", "CONTEXT")]
TWO = [*APP, ("build", "-q", "-t", "two:1", "-f", "CONTEXT/two", "CONTEXT")]
STOPPED = [*BASE, ("create", "--name", "c1", "bb:1", "true")]
RUNNING = [*BASE, ("run", "-d", "--network", "none", "--name", "r1", "bb:1", "sleep", "1000")]
WRITTEN = [*BASE, ("run", "--network", "none", "--name", "w1", "bb:1", "sh", "-c", "echo hello > /f"), ("commit", "w1", "cc:1")]
DANGLING = [*BASE, ("import", "BASE", "bb:1"), ("import", "BASE", "bb:1")]
FILES = {"app": "FROM bb:1\nENV A=1\nCOPY f /f\nLABEL kind=app other=\nCOPY g /g\n", "two": "FROM app:1\nCOPY f /h\n",
         "f": "f\n", "g": "gg\n" * 1000}

# name: what stands there before, the commands that are compared.
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


class RemovalTest(ScenarioCase):
    FILES = FILES

    def test_every_scenario(self):
        self.compare(SCENARIOS)


class BuildKitCacheTest(StoreCase):
    """Layers and cache directories that only the build cache of a dockerd needs."""
    where = IN_MEMORY

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
