"""The main job on real input: a Debian base with Python, a web application built on it, its layers, a container.

One store for all tests of the class; they run in the order of their names and build on each other.
"""
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

from tests.support import mounts, processes, tree
from tests.support.case import SCRATCH, StoreCase
from tests.support.engine import REPOSITORY, Strata
from tests.support.golden import normalise
from tests.support.ports import Port
from tests.support.store import Store, chain_ids

APP = os.path.join(REPOSITORY, "examples/python-app")
NOTES = "code/data/notes.json"


class SeedTest(StoreCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="strata-seed-", dir=SCRATCH)
        cls.addClassCleanup(cls.remove_root)
        cls.engine, cls.on_disk = Strata(cls.root), Store(cls.root)
        subprocess.run([os.path.join(REPOSITORY, "scripts/base-image"), "--root", cls.root], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run([os.path.join(APP, "fetch-dependencies")], check=True, stdout=subprocess.DEVNULL)
        cls.base = cls.on_disk.tags()["debian-python:latest"]
        cls.caches_of_base = cls.on_disk.cache_ids()
        cls.built = cls.engine.run("build", "-t", "python-app", APP)
        cls.image = cls.on_disk.tags().get("python-app:latest")

    @classmethod
    def remove_root(cls):
        left = processes.end_those_naming(cls.root) + mounts.unmount_below(cls.root)
        shutil.rmtree(cls.root, ignore_errors=True)
        if left:
            raise AssertionError(f"left behind: {left}")

    def snapshot_of_image(self):
        return [tree.snapshot(layer.diff) for layer in self.on_disk.layers(self.image)]

    def assert_sound(self):
        findings = self.on_disk.check("--expect-clean")
        self.assertEqual(findings.code, 0, findings.out)

    # ---- build

    def test_01_the_build_prints_the_classic_lines(self):
        self.assertEqual((self.built.code, self.built.err), (0, ""))
        out = re.sub(r"(?<=daemon  )[0-9.]+[kM]B", "<size>", normalise(self.built.out))
        self.assert_golden("seed_build.txt", out)
        self.assertIn(f"Successfully built {self.image[:12]}\n", self.built.out)

    def test_02_the_second_build_takes_every_step_from_the_cache(self):
        before = self.on_disk.fingerprint()
        again = self.engine("build", "-t", "python-app", APP).splitlines()
        steps = [line for line in again if line.startswith("Step ")]
        self.assertEqual(again.count(" ---> Using cache"), len(steps) - 1)
        self.assertFalse([line for line in again if "Running in" in line])
        self.assertEqual(self.on_disk.tags()["python-app:latest"], self.image)
        self.assertEqual(self.on_disk.fingerprint().keys(), before.keys())

    # ---- show

    def test_03_history_has_one_row_a_step_and_missing_for_the_base(self):
        rows = self.engine("history", "--no-trunc", "--format", "{{.ID}}\t{{.CreatedBy}}\t{{.Comment}}", "python-app")
        rows = [row.split("\t") for row in rows.splitlines()]
        self.assertEqual([row[0] for row in rows[-2:]], ["<missing>", "<missing>"])
        chain, image = [], self.image
        while image:
            chain.append("sha256:" + image)
            image = self.on_disk.parent_image(image)
        self.assertEqual([row[0] for row in rows[:-2]], chain)
        self.assertEqual(chain[-1], "sha256:" + self.base)
        self.assertEqual([row[1] for row in rows],
                         [entry.get("created_by", "") for entry in reversed(self.on_disk.config(self.image)["history"])])
        self.assertEqual(rows[0][1], '/bin/sh -c #(nop)  CMD ["python3" "app.py"]')
        self.assertEqual(rows[-1][2], "Imported from -")

    def test_04_inspect_shows_the_root_file_system_and_the_config(self):
        shown = json.loads(self.engine("inspect", "python-app"))[0]
        diffs = ["sha256:" + diff for diff in self.on_disk.diff_ids(self.image)]
        self.assertEqual(shown["RootFS"], {"Type": "layers", "Layers": diffs})
        self.assertEqual(shown["Id"], "sha256:" + self.image)
        self.assertEqual(shown["RepoTags"], ["python-app:latest"])
        self.assertEqual(shown["Config"]["Cmd"], ["python3", "app.py"])
        self.assertEqual(shown["Config"]["WorkingDir"], "/code")
        self.assertEqual(shown["Config"]["ExposedPorts"], {"8000/tcp": {}})
        self.assertIn("NOTES_TITLE=Field notes", shown["Config"]["Env"])
        self.assertEqual(shown["Size"], sum(layer.size for layer in self.on_disk.layers(self.image)))
        top = self.on_disk.layers(self.image)[-1]
        self.assertEqual(shown["GraphDriver"]["Data"]["UpperDir"], os.path.realpath(top.diff))

    def test_05_images_lists_what_is_tagged(self):
        rows = self.engine("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").splitlines()
        self.assertEqual(sorted(rows), sorted(f"{tag} sha256:{image}" for tag, image in self.on_disk.tags().items()))

    def test_06_layers_shows_the_stack_from_bottom_to_top(self):
        shown = self.engine("layers", "--no-trunc", "python-app")
        places = [[shown.find(text) for text in (layer.diff_id, layer.chain_id, layer.cache_id)]
                  for layer in self.on_disk.layers(self.image)]
        self.assertTrue(all(place >= 0 for row in places for place in row), shown)
        self.assertEqual(places, sorted(places), shown)

    # ---- disk

    def test_07_the_files_of_the_image_are_where_dockerd_looks_for_them(self):
        self.assertEqual(hashlib.sha256(self.on_disk.config_bytes(self.image)).hexdigest(), self.image)
        chain = chain_ids(self.on_disk.diff_ids(self.image))
        for index, layer in enumerate(self.on_disk.layers(self.image)):
            self.assertEqual(layer.chain_id, chain[index])
            self.assertEqual(layer.parent, chain[index - 1] if index else "")
            link = self.on_disk.text("overlay2", layer.cache_id, "link")
            self.assertEqual(os.readlink(self.on_disk.path("overlay2/l", link)), f"../{layer.cache_id}/diff")
            self.assertTrue(os.path.exists(self.on_disk.path("image/overlay2/layerdb/sha256", layer.chain_id,
                                                             "tar-split.json.gz")))
        self.assert_sound()

    def test_08_the_copied_files_are_in_the_layers_cache_directory(self):
        top = self.on_disk.layers(self.image)[-1]
        copied = tree.snapshot(os.path.join(top.diff, "code"))
        source = tree.snapshot(os.path.join(APP, "app"), ignore=self.ignored())
        del copied["."], source["."]  # the directory itself is WORKDIR's
        owners = {(entry.uid, entry.gid) for entry in copied.values()}
        self.assertEqual(owners, {(0, 0)})
        self.assertEqual({path: (entry.kind, entry.mode, entry.sha256, entry.mtime) for path, entry in copied.items()},
                         {path: (entry.kind, entry.mode, entry.sha256, entry.mtime) for path, entry in source.items()})

    @staticmethod
    def ignored():
        return {os.path.relpath(os.path.join(folder, "__pycache__"), os.path.join(APP, "app"))
                for folder, _, _ in os.walk(os.path.join(APP, "app"))}

    def test_09_a_second_image_on_the_base_stores_no_byte_of_it_again(self):
        before = set(self.on_disk.cache_ids())
        self.engine("build", "-t", "python-app-files", "-f", os.path.join(APP, "Dockerfile.files"), APP)
        second = self.on_disk.layers(self.on_disk.tags()["python-app-files:latest"])
        self.assertEqual(second[0], self.on_disk.layers(self.image)[0])
        added = set(self.on_disk.cache_ids()) - before
        self.assertEqual(added, {layer.cache_id for layer in second[1:]} - before)
        size = sum(entry.size for cache in added for entry in tree.snapshot(self.on_disk.path("overlay2", cache)).values())
        self.assertLess(size, 10_000)

    # ---- container

    def test_10_a_container_serves_and_writes_and_the_image_stays(self):
        before, caches = self.snapshot_of_image(), self.on_disk.cache_ids()
        held = Port()
        self.addCleanup(held.release)
        port = str(held.number)
        container = self.engine("run", "-d", "--name", "notes", "--network", "host", "-e", "HOST=127.0.0.1",
                                "-e", "PORT=" + port, "python-app")
        self.addCleanup(self.engine.run, "rm", "-f", "notes")
        self.ask_from_the_host(port)
        self.assertEqual(self.engine("ps", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}}"),
                         f"{container} notes python-app")
        self.assertEqual(self.engine("logs", "notes"), f"listening on port {port}")
        changes = self.engine("diff", "notes").splitlines()
        for change in ("C /code", "C /code/data", "A /code/data/journal.log", "C /code/data/notes.json",
                       "D /code/data/WELCOME"):
            self.assertIn(change, changes)
        self.look_at_upper(container)
        self.assertEqual(self.snapshot_of_image(), before)
        self.engine("stop", "-t", "5", "notes")
        self.assertIn("A /code/data/journal.log", self.engine("diff", "notes").splitlines())
        self.assert_sound()
        self.engine("rm", "notes")
        self.assertEqual(self.on_disk.cache_ids(), caches, "rm removes the writable layer and the init layer")
        self.assertEqual(self.on_disk.container_ids(), [])
        self.assertEqual(os.listdir(self.on_disk.path("containers")), [])
        self.assertEqual(self.snapshot_of_image(), before)

    def ask_from_the_host(self, port):
        client = os.path.join(APP, "app/client.py")
        answer = subprocess.run([sys.executable, client, port, "from a test"], stdout=subprocess.PIPE, text=True)
        self.assertEqual(answer.returncode, 0, answer.stdout)

    def look_at_upper(self, container):
        upper = self.on_disk.upper(container)
        with open(os.path.join(upper, NOTES)) as file:
            self.assertEqual([note["text"] for note in json.load(file)], ["This note came with the image.", "from a test"])
        hidden = os.lstat(os.path.join(upper, "code/data/WELCOME"))
        self.assertTrue(stat.S_ISCHR(hidden.st_mode))
        self.assertEqual(hidden.st_rdev, 0)
        self.assertFalse(os.path.exists(os.path.join(upper, "code/app.py")), "only what was written is copied up")

    def test_11_it_serves_without_any_network_too(self):
        out = self.engine("run", "--rm", "--network", "none", "python-app", "sh", "-c", "python3 app.py & python3 client.py")
        self.assertIn("POST /notes", out)
        self.assertEqual(self.on_disk.container_ids(), [])

    def test_12_the_store_is_sound_afterwards(self):
        self.assert_sound()


if __name__ == "__main__":
    unittest.main()
