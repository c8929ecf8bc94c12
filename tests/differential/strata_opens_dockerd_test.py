"""Strata works on a store that a real dockerd wrote: it sees the same, runs it, builds and commits on it.

While that dockerd runs Strata reads only, and says why; while Strata writes no dockerd can start.
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from tests.support import docker_api, mounts, rootfs, sample, tree
from tests.support.case import PATIENCE, SCRATCH, StoreCase
from tests.support.dockerd import Dockerd
from tests.support.engine import Strata
from tests.support.store import Store

HISTORY = "{{.ID}}|{{.CreatedBy}}|{{.Size}}|{{.Comment}}"
IMAGES = "{{.ID}} {{.Repository}} {{.Tag}} {{.Size}}"
ALSO_SAID = ("See '", "Error: failed to start containers: ")  # what run and start add to every message, as docker does


def listings(engine):
    """What both engines say about the store."""
    # dockerd sorts by the second of creation; the order within one is that of a Go map.
    found = {"images": sorted(engine("images", "--no-trunc", "--format", IMAGES).splitlines()),
             "images -a": sorted(engine("images", "-a", "--no-trunc", "--format", IMAGES).splitlines()),
             "ps -a": engine("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}} {{.Command}}")}
    for image in ("sample:1", "kit:1", "committed:1", sample.BASE):
        found["history " + image] = engine("history", "--no-trunc", "--format", HISTORY, image)
        found["inspect " + image] = json.loads(engine("inspect", image))
    return found


class StrataOpensDockerd(StoreCase):
    """Each test gets the same store at the same path: it is made once, and copied back."""
    made = None  # what the first setUp made: the folder with the store and its copy

    def setUp(self):
        super().setUp()
        cls = type(self)
        if cls.made is None:
            cls.made = tempfile.mkdtemp(prefix="strata-dockerd-store-", dir=SCRATCH)
            cls.addClassCleanup(shutil.rmtree, cls.made)
            cls.write_store(self)
        self.root = os.path.join(cls.made, "store")
        self.engine, self.on_disk = Strata(self.root), Store(self.root)
        self.build_context = os.path.join(cls.made, "context")
        self.addCleanup(mounts.unmount_below, self.root)
        shutil.rmtree(self.root, ignore_errors=True)
        subprocess.run(["cp", "-a", self.root + ".saved", self.root], check=True)
        self.image = self.on_disk.tags()["sample:1"]

    @staticmethod
    def write_store(case):
        root = os.path.join(case.made, "store")
        with Dockerd(root) as docker:
            sample.import_base(case, docker)
            os.rename(sample.context(case), os.path.join(case.made, "context"))
            built = docker_api.build(docker.socket, os.path.join(case.made, "context"), "sample:1")
            case.assertEqual(built.error, "")
            case.build_with_buildkit(docker)
            docker("run", "--name", "ran", "--network", "none", "sample:1", "-c", "echo once > /srv/ran; rm /srv/app/a.txt")
            docker("commit", "-m", "by dockerd", "ran", "committed:1")
            docker("create", "--name", "mine", "--network", "none", "-e", "WHO=docker", "-w", "/tmp", "sample:1",
                   "-c", "echo $WHO in $(pwd) > /srv/said; cat /srv/said; echo on stderr >&2")
            type(case).theirs = listings(docker)
        subprocess.run(["cp", "-a", root, root + ".saved"], check=True)

    def build_with_buildkit(self, docker):
        folder = self.context({"Dockerfile": f"FROM {sample.BASE}\nCOPY f /kit/f\nRUN echo kit > /kit/made\n", "f": "f\n"}, "kit")
        done = subprocess.run([*docker.command(), "build", "-q", "--network", "none", "-t", "kit:1", folder],
                              env=docker.environment() | {"DOCKER_BUILDKIT": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)

    def assert_sound(self):
        findings = self.on_disk.check()
        self.assertEqual(findings.code, 0, findings.out)

    def other_dockerd(self):
        docker = Dockerd(self.root)
        self.addCleanup(docker.__exit__)
        return docker.start()

    def test_the_store_that_dockerd_left_is_sound(self):
        self.assert_sound()

    def test_it_shows_the_same(self):
        ours = listings(self.engine)
        for name, text in self.theirs.items():
            with self.subTest(name):
                self.assertEqual(ours[name], text)

    def test_it_runs_the_images(self):
        self.assertEqual(self.engine("run", "--rm", "--network", "none", "sample:1"), "1.2")
        self.assertEqual(self.engine("run", "--rm", "--network", "none", "kit:1", "cat", "/kit/f", "/kit/made"), "f\nkit")
        gone = self.engine("run", "--rm", "--network", "none", "committed:1", "-c", "cat /srv/ran; ls /srv/app/a.txt || echo gone")
        self.assertEqual(gone, "once\ngone")
        self.assert_sound()

    def test_it_starts_a_container_that_dockerd_created(self):
        self.assertEqual(self.engine("start", "-a", "mine"), "docker in /tmp")
        self.assertEqual(self.engine("logs", "mine"), "docker in /tmp")
        changes = [line for line in self.engine("diff", "mine").splitlines() if not line.endswith("/data")]  # its volume
        self.assertEqual(sorted(changes, key=lambda line: line[2:]), ["C /srv", "A /srv/said"])
        self.assert_sound()
        docker = self.other_dockerd()
        self.assertEqual(docker("logs", "mine"), "docker in /tmp")
        self.assertEqual(docker("inspect", "--format", "{{.State.Status}}", "mine"), "exited")
        docker.stop()

    def test_it_starts_a_container_again_that_dockerd_ran(self):
        self.assertEqual(sorted(line for line in self.engine("diff", "ran").splitlines() if not line.endswith("/data")),
                         ["A /srv/ran", "C /srv", "C /srv/app", "D /srv/app/a.txt"])
        self.engine("rm", "ran")
        self.engine("rm", "mine")
        self.assertEqual(self.on_disk.container_ids(), [])
        self.assert_sound()

    def test_it_commits_on_top_of_a_dockerd_container(self):
        self.engine("commit", "-m", "by strata", "ran", "again:1")
        again, theirs = self.on_disk.tags()["again:1"], self.on_disk.tags()["committed:1"]
        self.assertEqual(self.on_disk.diff_ids(again)[:-1], self.on_disk.diff_ids(self.image))
        with self.on_disk.mounted(again) as one, self.on_disk.mounted(theirs) as other:
            self.assertEqual(tree.differences(*(tree.snapshot(root, ignore={"."}) for root in (one, other))), [])
        self.assert_sound()

    def test_its_build_takes_every_step_from_dockerds_cache(self):
        output = self.engine("build", "--network", "none", "-t", "rebuilt:1", self.build_context)
        self.assertEqual(output.splitlines().count(" ---> Using cache"), sample.STEPS - 2, output)  # all but ARG and FROM
        self.assertNotIn("Running in", output)
        self.assertEqual(self.on_disk.tags()["rebuilt:1"], self.image)
        self.assert_sound()

    def test_it_builds_on_top_and_dockerd_runs_that(self):
        folder = self.context({"Dockerfile": "FROM sample:1\nRUN test -u /srv/app/made && echo top > /top\n"}, "on-top")
        self.assertIn("# Executing 1 build trigger", self.engine("build", "--network", "none", "-t", "top:1", folder))
        self.assert_sound()
        docker = self.other_dockerd()
        self.assertEqual(docker("run", "--rm", "--network", "none", "top:1", "-c", "cat /top"), "top")
        docker.stop()


class OneWriter(StoreCase):
    def test_while_dockerd_runs_strata_reads_and_refuses_to_write(self):
        engine, docker = self.strata(), self.dockerd()
        sample.build(self, docker)
        docker("create", "--name", "mine", "--network", "none", "sample:1")
        shown = {("images", "-q"): None, ("history", "-q", "sample:1"): None, ("ps", "-a", "-q"): None,
                 ("inspect", "--format", "{{.Id}}", "sample:1"): None, ("diff", "mine"): None}
        for command in shown:
            with self.subTest(command):
                order = sorted if command[0] == "images" else list
                self.assertEqual(order(engine(*command).splitlines()), order(docker(*command).splitlines()))
        self.assertFalse(os.path.exists(self.path("store/strata")), "reading added something")
        archive = rootfs.busybox(self.path("more.tar"))
        before = self.store().fingerprint()
        for command in (("build", "-t", "no:1", self.path("context")), ("import", archive, "no:2"), ("run", "--rm", "sample:1"),
                        ("create", "sample:1"), ("start", "mine"), ("commit", "mine", "no:3"), ("rm", "mine")):
            with self.subTest(command):
                result = engine.run(*command)
                self.assertNotEqual(result.code, 0, result)
                lines = [line for line in result.err.splitlines() if not line.startswith(ALSO_SAID)]
                self.assertEqual(len(lines), 1, result)
                self.assertRegex(lines[0], r"dockerd \(pid \d+\) is running on .*/store")
        self.assertEqual(self.store().fingerprint(), before)
        docker.stop()
        engine("import", archive, "yes:1")

    def test_while_strata_writes_no_dockerd_can_start(self):
        engine = self.strata()
        sample.import_base(self, engine)
        folder = self.context({"Dockerfile": f"FROM {sample.BASE}\nRUN sleep {self.mark} || true\n"})
        build = engine.popen("build", "--network", "none", "-t", "slow:1", folder, stdout=subprocess.DEVNULL)
        self.addCleanup(build.wait, PATIENCE)
        sleeper = self.wait_for_process("sleep", self.mark)
        self.addCleanup(lambda: build.poll() is None and os.kill(sleeper, signal.SIGKILL))
        daemon = Dockerd(self.path("store"))
        self.addCleanup(daemon.__exit__)
        with self.assertRaises(AssertionError):
            daemon.start()
        os.kill(sleeper, signal.SIGKILL)
        self.assertEqual(build.wait(PATIENCE), 0)
        with daemon:
            self.assertIn("slow", daemon("images", "--format", "{{.Repository}}").splitlines())

    def test_many_strata_processes_work_on_one_store(self):
        engine = self.strata()
        sample.import_base(self, engine)
        dockerfile = f"FROM {sample.BASE}\nARG N\nRUN echo one for all > /common\nRUN echo $N > /n\n"
        folder = self.context({"Dockerfile": dockerfile})
        builds = [engine.popen("build", "--network", "none", "--build-arg", f"N={n}", "-q", "-t", f"many:{n}", folder,
                               stdout=os.open(self.path(f"out{n}"), os.O_CREAT | os.O_WRONLY)) for n in range(8)]
        self.assertEqual([build.wait(5 * PATIENCE) for build in builds], [0] * 8)
        for n in range(8):
            self.assertEqual(engine("run", "--rm", "--network", "none", f"many:{n}", "cat", "/n"), str(n))
        self.assertEqual(len([tag for tag in self.store().tags() if tag.startswith("many:")]), 8)
        self.assert_store_sound("store", "--expect-clean")


if __name__ == "__main__":
    unittest.main()
