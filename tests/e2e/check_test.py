"""A store broken in many ways, each on a fresh copy: what `strata check` says, and what --repair makes of it."""
import json
import os
import shutil
import subprocess
import unittest

from tests.support import rootfs
from tests.support.case import IN_MEMORY, StoreCase

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


def edit_tags(b, change):
    with open(b.path(TAGS)) as file:
        tags = json.load(file)
    change(tags["Repositories"])
    write(b.path(TAGS), json.dumps({"Repositories": {name: all for name, all in tags["Repositories"].items() if all}}))


def metadata(b, name):
    return b.path("image/overlay2/imagedb/metadata/sha256", b.image, name)


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
    "a tag under another repository": (HEALS, lambda b: edit_tags(b, lambda all: all.setdefault("wrong", {}).update({SIDE: all["side"].pop(SIDE)}))),
    "a repository under another name": (HEALS, lambda b: edit_tags(b, lambda all: all.update({"docker.io/library/top": all.pop("top")}))),
    "a tag that is no name": (HEALS, lambda b: edit_tags(b, lambda all: all["app"].update({"A b": all["app"][APP]}))),
    "a load was killed": (HEALS, half_layer),
    "orphan cache": (HEALS, orphan),
    "dangling l/ link": (HEALS, lambda b: os.symlink("../nothing/diff", b.path(OVERLAY, "l", "B" * 26))),
    "removal cut off": (HEALS, lambda b: os.mkdir(b.path(LAYERDB, f"{'c' * 64}-{'d' * 64}-removing"))),
    "metadata of no image": (HEALS, lambda b: os.makedirs(b.path("image/overlay2/imagedb/metadata/sha256", "e" * 64))),
    "a changed file that another layer has, too": (HEALS, lambda b: flip(b.cache(1, "diff/twin"))),
    "a lost file that another layer has, too": (HEALS, lambda b: rm(b.cache(1, "diff/twin"))),
    "a file that is not the layer's": (HEALS, lambda b: write(b.cache(1, "diff/extra"), "x")),
    "a symbolic link lost": (HEALS, lambda b: rm(b.cache(0, "diff/bin/ls"))),
    "an empty directory lost": (HEALS, lambda b: rm(b.cache(0, "diff/home/bob"))),
    "a directory led elsewhere by redirect": (HEALS, lambda b: os.setxattr(b.cache(0, "diff/etc"), "trusted.overlay.redirect", b"/home")),
    "a file said to have only metadata": (HEALS, lambda b: os.setxattr(b.cache(1, "diff/file"), "trusted.overlay.metacopy", b"")),
    "a whiteout that no tar has": (HEALS, lambda b: os.mknod(b.cache(0, "diff/etc/gone"), 0o20000, 0)),
    "a whiteout in place of a file": (DAMAGED, lambda b: [rm(b.cache(1, "diff/file")), os.mknod(b.cache(1, "diff/file"), 0o20000, 0)]),
    "an opaque mark lost": (HEALS, lambda b: os.removexattr(b.cache(2, "diff/home/bob"), "trusted.overlay.opaque")),
    "two layers name one cache": (HEALS, lambda b: write(b.entry(1, "cache-id"), b.layers[0].cache_id)),
    "parent image is nonsense": (HEALS, lambda b: write(metadata(b, "parent"), "x")),
    "parent image is gone": (HEALS, lambda b: write(metadata(b, "parent"), "sha256:" + "f" * 64)),
    "parent image of another history": (HEALS, lambda b: write(metadata(b, "parent"), "sha256:" + b.store.tags()[SIDE])),
    "time of the tag is nonsense": (HEALS, lambda b: write(metadata(b, "lastUpdated"), "yesterday")),
    "container's directory lost": (HEALS, lambda b: rm(b.path("containers", b.container))),
    "container half made, and emptied by a power cut": (HEALS, lambda b: [rm(b.path("containers", b.container)), write(b.mount("mount-id"))]),
    "container's record emptied": (DAMAGED, lambda b: write(b.path("containers", b.container, "config.v2.json"))),
    "container's record lost": (DAMAGED, lambda b: rm(b.path("containers", b.container, "config.v2.json"))),
    "container's layer lost": (DAMAGED, lambda b: rm(b.mount())),
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

# What cannot be known again without an archive of the images.
FROM_ARCHIVE = ("tar-split of a foreign tar lost", "cache of the top lost", "file content changed", "file lost", "config changed",
                "config lost", "a whiteout in place of a file")
# dockerd 20.10 writes another tar of the same files: its tar-split cannot be made anew, and so no lost entry.
ONLY_IN_OURS = ("tar-split missing", "tar-split emptied", "tar-split cut", "entry of a COPY layer lost", "entry emptied")

IMAGES = ((APP, f"FROM {BASE}\nCOPY file twin /\n"), (TOP, f"FROM {APP}\nRUN echo made > /made && rm -r /home/bob && mkdir /home/bob\n"),
          (SIDE, f"FROM {BASE}\nCOPY other /other\nCOPY twin /elsewhere\n"))
FILES = {"file": "content\n" * 99, "other": "other\n", "twin": "twin\n" * 50}


def make_images(case, engine):
    """Three images on one base and a container, by Strata or by a dockerd."""
    rootfs.busybox(case.path("base.tar"))
    engine("import", case.path("base.tar"), BASE)
    for tag, text in IMAGES:
        folder = case.context(FILES | {"Dockerfile": text}, tag.replace(":", "-"))
        engine("build", "-q", "--network", "none", "-t", tag, folder)
    engine("create", "--name", "box", "--network", "none", TOP, "true")
    engine("save", "-o", case.path("all.tar"), BASE, APP, TOP, SIDE)


class CheckCase(StoreCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        engine = self.strata("sound")
        make_images(self, engine)

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


    def test_an_archive_gives_back_what_is_lost(self):
        subprocess.run(["mkdir", self.path("unpacked")], check=True)
        subprocess.run(["tar", "-C", self.path("unpacked"), "-xf", self.path("all.tar")], check=True)
        for number, name in enumerate(FROM_ARCHIVE):
            with self.subTest(name):
                self.broken(CASES[name][1])
                engine = self.strata()
                archive = self.path(("all.tar", "unpacked")[number % 2])
                looked = engine.run("check", "--from", archive)
                self.assertEqual((looked.code, archive in looked.out), (HEALS, True), str(looked))
                repaired = engine.run("check", "--repair", "--from", archive)
                self.assertEqual(repaired.code, HEALS, str(repaired))
                again = engine.run("check")
                self.assertEqual(again.code, 0, f"{repaired}\n{again}")
                self.assert_store_sound()
                self.assertEqual(self.store().tags(), self.store("sound").tags())
                self.assertEqual(engine("run", "--rm", "--network", "none", TOP, "cat", "/made"), "made")

    def test_an_archive_that_is_none_is_one_line(self):
        self.broken(lambda b: None)
        result = self.strata().run("check", "--from", self.path("nowhere.tar"))
        self.assertEqual((result.code, result.err.count("\n")), (1, 1), str(result))
        self.assertIn("no such file or directory", result.err)


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


class DockerdStoreTest(CheckCase):
    """The same breaks of a store that a dockerd made; afterwards one is started on what was repaired."""
    STARTS = 8  # every so many cases

    def setUp(self):
        StoreCase.setUp(self)
        docker = self.dockerd("sound")
        make_images(self, docker)
        looked = self.strata("sound").run("check")
        self.assertEqual(looked.code, 0, str(looked))
        refused = self.strata("sound").run("check", "--repair")
        self.assertNotEqual(refused.code, 0)
        self.assertIn("dockerd", refused.err)
        docker.stop()
        # From now on Strata keeps a copy of the tags.
        self.assertEqual(self.strata("sound").run("check", "--repair").code, 0)

    def test_each_break_ends_as_the_table_says(self):
        for number, (name, (ends_as, how)) in enumerate(CASES.items()):
            if name in ONLY_IN_OURS:
                ends_as = DAMAGED
            with self.subTest(name):
                self.broken(how)
                engine = self.strata()
                looked = engine.run("check")
                self.assertEqual(looked.code, ends_as, str(looked))
                repaired = engine.run("check", "--repair")
                self.assertEqual(repaired.code, 0 if name == "tags missing" else ends_as, str(repaired))
                if ends_as != HEALS:
                    continue
                again = engine.run("check")
                self.assertEqual(again.code, 0, f"{repaired}\n{again}")
                self.assert_store_sound()
                if number % self.STARTS == 0:
                    self.assert_dockerd_runs_it(has_container=not name.startswith(("container's directory", "container half made")))

    def test_an_archive_gives_back_what_is_lost_and_dockerd_runs_it(self):
        for name in FROM_ARCHIVE + ONLY_IN_OURS:
            with self.subTest(name):
                self.broken(CASES[name][1])
                repaired = self.strata().run("check", "--repair", "--from", self.path("all.tar"))
                self.assertEqual(repaired.code, HEALS, str(repaired))
                again = self.strata().run("check")
                self.assertEqual(again.code, 0, f"{repaired}\n{again}")
                self.assert_store_sound()
                if name in ("cache of the top lost", "config lost", "entry emptied"):
                    self.assert_dockerd_runs_it()

    def assert_dockerd_runs_it(self, has_container=True):
        docker = self.dockerd()
        tags = docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
        self.assertEqual({BASE, APP, TOP, SIDE} - set(tags), set())
        self.assertEqual(docker("run", "--rm", "--network", "none", TOP, "cat", "/made"), "made")
        if has_container:
            self.assertEqual(docker("start", "box"), "box")
        docker.stop()


if __name__ == "__main__":
    unittest.main()
