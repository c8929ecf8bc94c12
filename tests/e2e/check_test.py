"""A store broken in many ways, each on a fresh copy: what `strata check` says, and what --repair makes of it."""
import json
import os
import shutil
import subprocess
import unittest

from tests.support import rootfs
from tests.support.case import StoreCase

BASE, APP, TOP, SIDE = "busybox:test", "app:1", "top:1", "side:1"
LAYERDB, OVERLAY, TAGS = "image/overlay2/layerdb/sha256", "overlay2", "image/overlay2/repositories.json"
CONTENT = "image/overlay2/imagedb/content/sha256"
HEALS, DAMAGED = 1, 2


class Broken:
    """A copy of the store with names for its parts: layer 0 is the bottom that all images share."""

    def __init__(self, store):
        self.store = store
        self.image = store.tags()[TOP]
        self.layers = store.layers(self.image)
        self.container = (store.container_ids() or [None])[0]

    def path(self, *names):
        return self.store.path(*names)

    def entry(self, depth, name=""):
        return self.path(LAYERDB, self.layers[depth].chain_id, name)

    def cache(self, depth, name=""):
        return self.path(OVERLAY, self.layers[depth].cache_id, name)

    def link(self, depth):
        with open(self.cache(depth, "link")) as file:
            return self.path(OVERLAY, "l", file.read())

    def mount(self, name=""):
        return self.path("image/overlay2/layerdb/mounts", self.container, name)

    def writable(self, name="", suffix=""):
        with open(self.mount("mount-id")) as file:
            return self.path(OVERLAY, file.read() + suffix, name)


def write(path, text=""):
    with open(path, "w") as file:
        file.write(text)


def rm(path):
    shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)


def flip(path):
    """One byte changed in place; the times stay."""
    status = os.stat(path)
    with open(path, "r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def relink(path, target):
    os.unlink(path)
    os.symlink(target, path)


def orphan(b):
    os.makedirs(b.path(OVERLAY, "a" * 64, "diff"))
    write(b.path(OVERLAY, "a" * 64, "link"), "A" * 26)
    os.symlink(f"../{'a' * 64}/diff", b.path(OVERLAY, "l", "A" * 26))


def half_layer(b):
    """A load that was killed: a cache directory, a write set, a temporary config."""
    orphan(b)
    os.makedirs(b.path("image/overlay2/layerdb/tmp/write-set-123"))
    write(b.path("image/overlay2/layerdb/tmp/write-set-123/diff"), "sha256:")
    write(b.path(CONTENT, ".tmp-abc1"), "{")


def both(*breaks):
    return lambda b: [step(b) for step in breaks]


# name: (what ends as, how it is broken). Layer 0 is bottom and shared, 1 is COPY, 2 is RUN.
CASES = {
    "size of the shared bottom emptied": (HEALS, lambda b: write(b.entry(0, "size"))),
    "size missing": (HEALS, lambda b: rm(b.entry(1, "size"))),
    "size with a newline": (HEALS, lambda b: write(b.entry(1, "size"), f"{b.layers[1].size}\n")),
    "size wrong": (HEALS, lambda b: write(b.entry(1, "size"), "7")),
    "size negative": (HEALS, lambda b: write(b.entry(2, "size"), "-1")),
    "diff emptied": (HEALS, lambda b: write(b.entry(0, "diff"))),
    "diff missing": (HEALS, lambda b: rm(b.entry(1, "diff"))),
    "diff of another layer": (HEALS, lambda b: write(b.entry(1, "diff"), "sha256:" + b.layers[0].diff_id)),
    "parent missing": (HEALS, lambda b: rm(b.entry(1, "parent"))),
    "parent emptied": (HEALS, lambda b: write(b.entry(2, "parent"))),
    "parent of another layer": (HEALS, lambda b: write(b.entry(2, "parent"), "sha256:" + b.layers[0].chain_id)),
    "parent at a bottom layer": (HEALS, lambda b: write(b.entry(0, "parent"), "sha256:" + b.layers[1].chain_id)),
    "cache-id missing at the bottom": (HEALS, lambda b: rm(b.entry(0, "cache-id"))),
    "cache-id emptied": (HEALS, lambda b: write(b.entry(1, "cache-id"))),
    "cache-id names nothing": (HEALS, lambda b: write(b.entry(2, "cache-id"), "b" * 64)),
    "tar-split missing": (HEALS, lambda b: rm(b.entry(1, "tar-split.json.gz"))),
    "tar-split emptied": (HEALS, lambda b: write(b.entry(1, "tar-split.json.gz"))),
    "tar-split cut": (HEALS, lambda b: os.truncate(b.entry(1, "tar-split.json.gz"), 40)),
    "entry of a COPY layer lost": (HEALS, lambda b: rm(b.entry(1))),
    "entry emptied": (HEALS, lambda b: [rm(b.entry(1, name)) for name in os.listdir(b.entry(1))]),
    "tar-split of a foreign tar lost": (DAMAGED, lambda b: rm(b.entry(0, "tar-split.json.gz"))),
    "link missing": (HEALS, lambda b: rm(b.cache(0, "link"))),
    "link emptied": (HEALS, lambda b: write(b.cache(1, "link"))),
    "link nonsense": (HEALS, lambda b: write(b.cache(1, "link"), "../../etc")),
    "l/ link lost at the bottom": (HEALS, lambda b: rm(b.link(0))),
    "l/ link lost at the top": (HEALS, lambda b: rm(b.link(2))),
    "l/ link elsewhere": (HEALS, lambda b: relink(b.link(0), f"../{b.layers[1].cache_id}/diff")),
    "link and l/ link lost": (HEALS, both(lambda b: rm(b.link(0)), lambda b: rm(b.cache(0, "link")))),
    "l/ lost": (HEALS, lambda b: rm(b.path(OVERLAY, "l"))),
    "lower missing": (HEALS, lambda b: rm(b.cache(1, "lower"))),
    "lower emptied": (HEALS, lambda b: write(b.cache(2, "lower"))),
    "lower of another": (HEALS, lambda b: write(b.cache(2, "lower"), "l/" + os.path.basename(b.link(0)))),
    "lower at a bottom layer": (HEALS, lambda b: write(b.cache(0, "lower"), "l/" + os.path.basename(b.link(1)))),
    "committed missing": (HEALS, lambda b: rm(b.cache(0, "committed"))),
    "tags emptied": (HEALS, lambda b: write(b.path(TAGS))),
    "tags missing": (HEALS, lambda b: rm(b.path(TAGS))),
    "tags nonsense": (HEALS, lambda b: write(b.path(TAGS), '{"Repositories":{"a":')),
    "a load was killed": (HEALS, half_layer),
    "orphan cache": (HEALS, orphan),
    "dangling l/ link": (HEALS, lambda b: os.symlink("../nothing/diff", b.path(OVERLAY, "l", "B" * 26))),
    "removal cut off": (HEALS, lambda b: os.mkdir(b.path(LAYERDB, f"{'c' * 64}-{'d' * 64}-removing"))),
    "metadata of no image": (HEALS, lambda b: os.makedirs(b.path("image/overlay2/imagedb/metadata/sha256", "e" * 64))),
    "container's init-id lost": (HEALS, lambda b: rm(b.mount("init-id"))),
    "container's parent lost": (HEALS, lambda b: rm(b.mount("parent"))),
    "container's lower lost": (HEALS, lambda b: rm(b.writable("lower"))),
    "container's init lower emptied": (HEALS, lambda b: write(b.writable("lower", "-init"))),
    "container's link lost": (HEALS, lambda b: rm(b.writable("link"))),
    "container's mount-id lost": (DAMAGED, lambda b: rm(b.mount("mount-id"))),
    "cache of the top lost": (DAMAGED, lambda b: rm(b.cache(2))),
    "file content changed": (DAMAGED, lambda b: flip(b.cache(1, "diff/file"))),
    "file lost": (DAMAGED, lambda b: rm(b.cache(1, "diff/file"))),
    "config changed": (DAMAGED, lambda b: flip(b.path(CONTENT, b.image))),
    "config lost": (DAMAGED, lambda b: rm(b.path(CONTENT, b.image))),
}


class CheckCase(StoreCase):
    def setUp(self):
        super().setUp()
        engine = self.strata("sound")
        rootfs.busybox(self.path("base.tar"))
        engine("import", self.path("base.tar"), BASE)
        for tag, text in ((APP, f"FROM {BASE}\nCOPY file /file\n"), (TOP, f"FROM {APP}\nRUN echo made > /made\n"),
                          (SIDE, f"FROM {BASE}\nCOPY other /other\n")):
            folder = self.context({"Dockerfile": text, "file": "content\n" * 99, "other": "other\n"}, tag.replace(":", "-"))
            engine("build", "-q", "--network", "none", "-t", tag, folder)
        engine("create", "--name", "box", TOP, "true")
        engine("save", "-o", self.path("all.tar"), BASE, APP, TOP, SIDE)

    def broken(self, how, name="store"):
        shutil.rmtree(self.path(name), ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", self.path("sound"), self.path(name)], check=True)
        broken = Broken(self.store(name))
        how(broken)
        return broken


class TableTest(CheckCase):
    def test_a_sound_store_is_clean(self):
        result = self.strata("sound").run("check")
        self.assertEqual((result.code, result.out.count("\n")), (0, 1), str(result))

    def test_each_break_ends_as_the_table_says(self):
        for name, (ends_as, how) in CASES.items():
            with self.subTest(name):
                self.broken(how)
                engine = self.strata()
                before = self.store().fingerprint()
                looked = engine.run("check")
                self.assertEqual(looked.code, ends_as, str(looked))
                self.assertEqual(self.store().fingerprint(), before, "check without --repair changed the store")
                repaired = engine.run("check", "--repair")
                # A missing tag file is written from the copy by whoever opens the store to write.
                self.assertEqual(repaired.code, 0 if name == "tags missing" else ends_as, str(repaired))
                if ends_as != HEALS:
                    self.assertIn("damaged ", repaired.out)
                    continue
                again = engine.run("check")
                self.assertEqual(again.code, 0, f"{repaired}\n{again}")
                self.assert_store_sound()
                self.assertEqual(self.store().tags(), self.store("sound").tags())


class LostLayerTest(CheckCase):
    def test_a_layer_without_its_cache_concerns_only_its_images_and_loading_brings_it_back(self):
        self.broken(lambda b: rm(b.cache(1)))
        engine = self.strata()
        result = engine.run("check", "--repair", "--json")
        self.assertEqual(result.code, 2, str(result))
        named = {image for line in result.out.splitlines() for image in json.loads(line)["Images"]}
        self.assertTrue({APP, TOP} <= named and SIDE not in named and BASE not in named, str(result))
        self.assertEqual(engine.run("check", SIDE).code, 0)
        engine("load", "-i", self.path("all.tar"))
        self.assertEqual(engine("run", "--rm", "--network", "none", TOP, "cat", "/made"), "made")
        self.assertEqual(engine.run("check", TOP).code, 0)

    def test_dockerd_lists_and_runs_what_was_repaired(self):
        names = ("size of the shared bottom emptied", "l/ link lost at the bottom", "link emptied", "lower of another",
                 "cache-id emptied", "tags emptied", "a load was killed", "container's parent lost")
        self.broken(lambda b: [CASES[name][1](b) for name in names])
        self.assertEqual(self.strata().run("check", "--repair").code, 1)
        self.assert_store_sound()
        docker = self.dockerd()
        tags = docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
        self.assertEqual({BASE, APP, TOP, SIDE} - set(tags), set())
        self.assertEqual(docker("run", "--rm", "--network", "none", TOP, "cat", "/made"), "made")
        self.assertEqual(docker("start", "box"), "box")


class DockerdStoreTest(StoreCase):
    def test_a_store_of_dockerd_is_clean_and_heals_and_is_only_read_while_it_runs(self):
        rootfs.busybox(self.path("base.tar"))
        docker = self.dockerd()
        docker("import", self.path("base.tar"), BASE)
        docker("build", "-t", TOP, self.context({"Dockerfile": f"FROM {BASE}\nCOPY f /f\nRUN echo made > /made\n", "f": "f"}))
        self.assertEqual(self.strata().run("check").code, 0)
        refused = self.strata().run("check", "--repair")
        self.assertNotEqual(refused.code, 0)
        self.assertIn("dockerd", refused.err)
        docker.stop()
        broken = Broken(self.store())
        for how in ("size of the shared bottom emptied", "l/ link lost at the bottom", "diff missing", "lower missing"):
            CASES[how][1](broken)
        result = self.strata().run("check", "--repair")
        self.assertEqual(result.code, 1, str(result))
        self.assert_store_sound()
        docker = self.dockerd()
        self.assertEqual(docker("run", "--rm", "--network", "none", TOP, "cat", "/made"), "made")


if __name__ == "__main__":
    unittest.main()
