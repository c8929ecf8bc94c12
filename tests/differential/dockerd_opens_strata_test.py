"""A real dockerd works on a store that Strata wrote: it sees the same, runs it, builds and commits on it, removes it."""
import hashlib
import json
import re
import tarfile
import unittest

from tests.support import docker_api, sample
from tests.support.case import StoreCase

HISTORY = "{{.ID}}|{{.CreatedBy}}|{{.Size}}|{{.Comment}}"
IMAGES = "{{.ID}} {{.Repository}} {{.Tag}} {{.Size}}"


class DockerdOpensStrata(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.build_context = sample.build(self, self.engine)
        self.on_disk = self.store()
        self.image = self.on_disk.tags()["sample:1"]

    def start_dockerd(self):
        """From here on the store is dockerd's; before, it was sound to the last byte."""
        self.assert_store_sound("store", "--expect-clean")
        self.docker = self.dockerd()

    def stop_dockerd(self):
        self.docker.stop()
        self.assert_store_sound()

    def test_images_history_and_inspect_show_the_same(self):
        ours = self.listings(self.engine)
        self.start_dockerd()
        for name, text in self.listings(self.docker).items():
            with self.subTest(name):
                self.assertEqual(ours[name], text)
        self.stop_dockerd()

    def listings(self, engine):
        # dockerd sorts by the second of creation; the order within one is that of a Go map.
        listings = {"images": sorted(engine("images", "--no-trunc", "--format", IMAGES).splitlines()),
                    "images -a": sorted(engine("images", "-a", "--no-trunc", "--format", IMAGES).splitlines()),
                    "images -q": sorted(engine("images", "-q").splitlines())}
        for image in ("sample:1", sample.BASE):
            listings["history " + image] = engine("history", "--no-trunc", "--format", HISTORY, image)
            listings["inspect " + image] = json.loads(engine("inspect", image))
        return listings

    def test_it_runs_the_image(self):
        self.start_dockerd()
        self.assertEqual(self.docker("run", "--rm", "--network", "none", "sample:1"), "1.2")
        look = "stat -c '%n %a %u:%g %h %F' /srv/app/* /srv/deep /unpacked/in/*; ls /var/replaced; ls /etc/obsolete; true"
        ours = self.docker("run", "--rm", "--network", "none", "sample:1", "-c", look)
        self.assertIn("/srv/app/made 4711 0:0 2 regular file", ours)
        self.assertIn("/unpacked/in/file 600 1000:50 1 regular file", ours)
        self.assertTrue(ours.endswith("fifo\nfile"), "the replaced directory holds its new file only: " + ours)
        self.stop_dockerd()

    def test_it_starts_a_container_that_strata_created(self):
        container = self.engine("create", "--name", "mine", "--network", "none", "-e", "WHO=strata", "-w", "/tmp",
                                "sample:1", "-c", "echo $WHO in $(pwd) > /srv/said; rm /srv/app/a.txt; cat /srv/said")
        self.start_dockerd()
        listed = self.docker("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}} {{.Status}}")
        self.assertEqual(listed, f"{container} mine sample:1 Created")
        self.assertEqual(self.docker("start", "-a", "mine"), "strata in /tmp")
        self.assertEqual(self.docker("logs", "mine"), "strata in /tmp")
        changes = [line for line in self.docker("diff", "mine").splitlines() if not line.endswith("/data")]  # its volume
        self.assertEqual(sorted(changes, key=lambda line: line[2:]), ["C /srv", "C /srv/app", "D /srv/app/a.txt", "A /srv/said"])
        self.docker("rm", "-v", "mine")
        self.assertEqual(self.on_disk.container_ids(), [])
        self.stop_dockerd()

    def test_it_starts_a_container_again_that_strata_ran(self):
        self.engine("run", "--name", "ran", "--network", "none", "sample:1", "-c", "date > /srv/count-$(ls /srv | wc -l); ls /srv")
        self.start_dockerd()
        self.assertEqual(self.docker("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "ran"), "exited 0")
        before = set(self.docker("logs", "ran").splitlines())
        self.docker("start", "-a", "ran")
        after = set(self.docker("logs", "ran").splitlines())
        self.assertEqual(len(after - before), 1, "the second run sees the file of the first one and adds its own")
        self.stop_dockerd()

    def test_it_commits_on_top_of_a_strata_container(self):
        self.engine("run", "--name", "ran", "--network", "none", "sample:1", "-c", "echo more > /srv/more")
        self.start_dockerd()
        self.docker("commit", "ran", "committed:1")
        top = self.on_disk.tags()["committed:1"]
        self.assertEqual(self.on_disk.diff_ids(top)[:-1], self.on_disk.diff_ids(self.image))
        self.assertEqual(self.docker("run", "--rm", "--network", "none", "committed:1", "-c", "cat /srv/more"), "more")
        self.stop_dockerd()

    def test_it_saves_layers_whose_digests_are_the_diff_ids(self):
        self.start_dockerd()
        path = self.path("saved.tar")
        self.docker("save", "-o", path, "sample:1")
        with tarfile.open(path) as tar:
            manifest = json.load(tar.extractfile("manifest.json"))[0]
            digests = [hashlib.sha256(tar.extractfile(self.target(tar, name)).read()).hexdigest() for name in manifest["Layers"]]
            config = tar.extractfile(manifest["Config"]).read()
        self.assertEqual(digests, self.on_disk.diff_ids(self.image))
        self.assertEqual(hashlib.sha256(config).hexdigest(), self.image)
        self.stop_dockerd()

    @staticmethod
    def target(tar, name):
        """docker 20.10 saves a repeated layer as a symlink to the first one."""
        member = tar.getmember(name)
        return name if not member.issym() else member.linkname.removeprefix("../")

    def test_its_classic_build_takes_every_step_from_the_cache(self):
        self.start_dockerd()
        built = docker_api.build(self.docker.socket, self.build_context, "rebuilt:1")
        self.assertEqual(built.error, "")
        self.assertEqual(built.text.count(" ---> Using cache\n"), sample.STEPS - 2, built.text)  # all but ARG and FROM
        self.assertFalse(re.findall("Running in", built.text), built.text)
        self.assertEqual(built.image, self.image)
        self.assertEqual(self.on_disk.tags()["rebuilt:1"], self.image)
        self.stop_dockerd()

    def test_it_builds_on_top(self):
        folder = self.context({"Dockerfile": "FROM sample:1\nRUN test -u /srv/app/made && echo top > /top\n"}, "on-top")
        self.start_dockerd()
        output = self.docker("build", "--network", "none", "-t", "top:1", folder)
        self.assertIn("# Executing 1 build trigger", output)
        self.assertEqual(self.docker("run", "--rm", "--network", "none", "top:1", "-c", "cat /top"), "top")
        self.stop_dockerd()
        self.assertIn("top", self.engine("images", "--format", "{{.Repository}}").splitlines())

    def test_it_removes_everything(self):
        self.engine("create", "--name", "mine", "--network", "none", "sample:1")
        self.start_dockerd()
        self.docker("rm", "-v", "mine")
        self.docker("rmi", "sample:1", sample.BASE)
        self.assertEqual(self.docker("images", "-a", "-q"), "")
        self.stop_dockerd()
        self.assertEqual((self.on_disk.image_ids(), self.on_disk.layer_ids(), self.on_disk.cache_ids()), ([], [], []))
        self.assertEqual(self.engine("images", "-a", "-q"), "")


if __name__ == "__main__":
    unittest.main()
