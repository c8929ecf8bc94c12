"""Reads a data-root as docs/store.md describes it, without any code of Strata or docker."""
import contextlib
import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import tempfile

from tests.support.engine import REPOSITORY, Result


@dataclasses.dataclass(frozen=True)
class Layer:
    """One LayerDB entry; ids as hex digits without "sha256:"."""
    chain_id: str
    diff_id: str
    parent: str  # ChainID, "" for a bottom layer
    cache_id: str
    size: int
    diff: str    # path of the cache directory with the files


class Store:
    """The files of one data-root. Every call reads the disk anew."""

    def __init__(self, root):
        self.root = root

    def path(self, *names):
        return os.path.join(self.root, *names)

    def read(self, *names):
        with open(self.path(*names), "rb") as file:
            return file.read()

    def text(self, *names):
        return self.read(*names).decode()

    # ---- images

    def tags(self):
        """{"app:latest": image id}"""
        repositories = json.loads(self.read("image/overlay2/repositories.json"))["Repositories"]
        return {tag: image.removeprefix("sha256:") for tags in repositories.values() for tag, image in tags.items()}

    def image_ids(self):
        return sorted(os.listdir(self.path("image/overlay2/imagedb/content/sha256")))

    def config_bytes(self, image):
        return self.read("image/overlay2/imagedb/content/sha256", image)

    def config(self, image):
        return json.loads(self.config_bytes(image))

    def diff_ids(self, image):
        return [diff.removeprefix("sha256:") for diff in self.config(image)["rootfs"].get("diff_ids") or []]

    def parent_image(self, image):
        """"" where the image has none."""
        try:
            return self.text("image/overlay2/imagedb/metadata/sha256", image, "parent").removeprefix("sha256:")
        except FileNotFoundError:
            return ""

    # ---- layers

    def layer_ids(self):
        return sorted(os.listdir(self.path("image/overlay2/layerdb/sha256")))

    def layer(self, chain_id):
        folder = self.path("image/overlay2/layerdb/sha256", chain_id)
        parent = self.text(folder, "parent") if os.path.exists(os.path.join(folder, "parent")) else ""
        cache_id = self.text(folder, "cache-id")
        return Layer(chain_id, self.text(folder, "diff").removeprefix("sha256:"), parent.removeprefix("sha256:"), cache_id,
                     int(self.text(folder, "size")), self.path("overlay2", cache_id, "diff"))

    def layers(self, image):
        """Bottom layer first, found by ChainIDs computed here."""
        return [self.layer(chain) for chain in chain_ids(self.diff_ids(image))]

    def cache_ids(self):
        return sorted(name for name in os.listdir(self.path("overlay2")) if name != "l")

    # ---- containers

    def container_ids(self):
        folder = self.path("image/overlay2/layerdb/mounts")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def upper(self, container):
        """The diff/ of a container's writable layer."""
        mount_id = self.text("image/overlay2/layerdb/mounts", container, "mount-id")
        return self.path("overlay2", mount_id, "diff")

    # ---- the whole

    @contextlib.contextmanager
    def mounted(self, image):
        """The image's root file system, read-only, at the path that this gives."""
        layers = [layer.diff for layer in reversed(self.layers(image))]
        with tempfile.TemporaryDirectory(dir=self.root, prefix="test-mount-") as point:
            empty = os.path.join(point, "empty")
            target = os.path.join(point, "merged")
            os.mkdir(empty)
            os.mkdir(target)
            subprocess.run(["mount", "-t", "overlay", "overlay", target, "-o",
                            "ro,index=off,metacopy=off,lowerdir=" + ":".join([*layers, empty])], check=True)
            try:
                yield target
            finally:
                subprocess.run(["umount", target], check=True)

    def check(self, *options):
        """Runs the independent checker, tests/tools/store_check.py, which reads every byte of the store."""
        tool = os.path.join(REPOSITORY, "tests/tools/store_check.py")
        words = [sys.executable, "-B", tool, self.root, *options]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        return Result(tuple(words), done.returncode, done.stdout, done.stderr)

    def fingerprint(self):
        """What must be unchanged after an operation that failed: every file that names images, tags, layers, containers."""
        seen = {}
        for top in ("image", "overlay2", "containers"):
            for folder, folders, files in os.walk(self.path(top)):
                if "diff" in folders and top == "overlay2":
                    folders.remove("diff")
                for name in files:
                    path = os.path.join(folder, name)
                    seen[os.path.relpath(path, self.root)] = os.readlink(path) if os.path.islink(path) else self.read(path)
                for name in folders:
                    seen[os.path.relpath(os.path.join(folder, name), self.root) + "/"] = ""
        return seen


def chain_ids(diff_ids):
    """docs/store.md 2.2, over hex digits."""
    chain = []
    for diff in diff_ids:
        text = f"sha256:{chain[-1]} sha256:{diff}" if chain else ""
        chain.append(hashlib.sha256(text.encode()).hexdigest() if chain else diff)
    return chain
