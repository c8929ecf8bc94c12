"""What a command costs must not grow with what it does not ask for. Counted in system calls, never in time."""
import collections
import hashlib
import io
import json
import os
import subprocess
import tarfile
import unittest

from tests.support.case import IN_MEMORY, StoreCase

FEW, MANY = 5, 45  # images


def tar_of(name, content):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


class Growth(StoreCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.base_file = b"base\n"
        self.base = tar_of("base", self.base_file)
        self.load(range(1))

    def archive(self, numbers):
        """A docker archive of images app:N, each the same layer and one of its own."""
        path = self.path(f"{numbers.start}-{numbers.stop}.tar")
        manifest = []
        with tarfile.open(path, "w") as tar:
            def add(name, content):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))

            add("base.tar", self.base)
            for number in numbers:
                layer = tar_of(f"file-{number}", b"content %d\n" % number)
                config = json.dumps({
                    "architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z", "config": {"Cmd": ["/base"]},
                    "history": [{"created_by": f"layer {name} of {number}"} for name in "ab"],
                    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in (self.base, layer)]},
                }).encode()
                add(f"{number}.tar", layer)
                add(f"{number}.json", config)
                manifest.append({"Config": f"{number}.json", "RepoTags": [f"app:{number}"], "Layers": ["base.tar", f"{number}.tar"]})
            add("manifest.json", json.dumps(manifest).encode())
        return path

    def load(self, numbers):
        self.engine("load", "-q", "-i", self.archive(numbers))

    def calls(self, *words):
        """How many system calls the command makes."""
        return self.counts(*words).total()

    def counts(self, *words):
        """How often it makes which."""
        trace = self.path("trace")
        subprocess.run(["strace", "-f", "-qq", "-o", trace, "-e", "signal=none", *self.engine.command(), *words], check=True, stdout=subprocess.DEVNULL)
        with open(trace) as file:
            return collections.Counter(line.split(None, 1)[1].split("(")[0] for line in file if "resumed>" not in line and "+++" not in line)

    def test_load_costs_the_same_for_each_image(self):
        self.load(range(1, 2))
        few = self.calls("load", "-q", "-i", self.archive(range(100, 110)))
        many = self.calls("load", "-q", "-i", self.archive(range(200, 240)))
        each = (many - few) / 30
        print(f"system calls of load: {few} for 10 images, {many} for 40, {each:.1f} for each more")
        self.assertLess(each, EACH_LOADED)

    def test_a_list_costs_a_few_calls_for_each_image(self):
        self.load(range(1, FEW))
        few = self.calls("images")
        self.load(range(FEW, MANY))
        each = (self.calls("images") - few) / (MANY - FEW)
        print(f"system calls of images: {few} with {FEW} images, {each:.1f} for each more")
        self.assertLess(each, EACH_LISTED)

    def test_a_long_list_is_that_of_its_images(self):
        """More than one thread reads them; each row is that of its image, and equal ones stay in order."""
        self.load(range(1, 200))
        tags = self.store().tags()
        self.assertEqual(len(tags), 200)
        size = {tag: len(self.base_file) + len("content %s\n" % tag.partition(":")[2]) for tag in tags}
        rows = [f"{image} {tag} {size[tag]}B" for tag, image in tags.items()]
        listed = self.engine("images", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}} {{.Size}}").splitlines()
        self.assertEqual(listed, [f"sha256:{row}" for row in sorted(rows)])

    def test_a_list_costs_a_few_calls_for_each_container(self):
        def create(numbers):
            for number in numbers:
                self.engine("create", "--name", f"box-{number}", "app:0")

        create(range(FEW))
        few = self.calls("ps", "-a")
        create(range(FEW, MANY))
        each = (self.calls("ps", "-a") - few) / (MANY - FEW)
        print(f"system calls of ps: {few} with {FEW} containers, {each:.1f} for each more")
        self.assertLess(each, EACH_LISTED + 1)

    def test_who_asks_for_one_image_does_not_look_at_the_others(self):
        folder = self.context({"Dockerfile": "FROM app:1\nCOPY f /\nENV a=b\n", "f": "f"})
        build = ("build", "-q", "--network", "none", "-t", "mine:1", folder)
        self.load(range(1, FEW))
        self.engine(*build)
        asked = {"inspect": ("image", "inspect", "app:1"), "history": ("history", "app:1"), "tag": ("tag", "app:1", "app:2"),
                 "cached build": build, "create": ("create", "app:1")}
        for name, words in asked.items():
            self.engine(*words)  # what is made at the first time is there
        few = {name: self.calls(*words) for name, words in asked.items()}
        self.load(range(FEW, MANY))
        for name, words in asked.items():
            with self.subTest(name):
                many = self.calls(*words)
                print(f"system calls of {name}: {few[name]} with {FEW} images, {many} with {MANY}")
                self.assertLess(many - few[name], (MANY - FEW) // 2)

    def test_a_build_that_makes_nothing_does_not_wait_for_the_disk(self):
        folder = self.context({"Dockerfile": "FROM app:0\nCOPY f /\nENV a=b\n", "f": "f"})
        build = ("build", "-q", "--network", "none", "-t", "mine:1", folder)
        self.assertEqual(self.counts(*build)["syncfs"], 1)
        cached = self.counts(*build)
        self.assertEqual((cached["syncfs"], cached["fsync"]), (0, 0))
        with open(os.path.join(folder, "f"), "w") as file:
            file.write("changed")
        self.assertEqual(self.counts(*build)["syncfs"], 1)

    def test_a_step_that_was_built_often_costs_one_look_at_each_of_its_images(self):
        folder = self.context({"Dockerfile": "FROM app:0\nCOPY f /\n", "f": "f"})
        build = ("build", "-q", "--network", "none", "-t", "mine:1", folder)

        def calls_after(contents):
            for content in contents:
                with open(os.path.join(folder, "f"), "w") as file:
                    file.write(str(content))
                self.engine(*build)
            return self.calls(*build)
        few = calls_after(range(20))
        many = calls_after(range(20, 60))
        print(f"system calls of a cached build: {few} of 20 that the step has made, {many} of 60")
        self.assertLess((many - few) / 40, 5)

    def test_a_load_waits_once_and_one_that_brings_nothing_never(self):
        archive = self.archive(range(1, 3))
        load = ("load", "-q", "-i", archive)
        first = self.counts(*load)
        self.assertEqual((first["syncfs"], first["fsync"]), (1, 1))  # all that is published; the directory of the names
        again = self.counts(*load)
        self.assertEqual((again["syncfs"], again["fsync"]), (0, 0))

    def test_removing_one_reads_each_of_the_others_once(self):
        self.load(range(1, FEW))
        few = self.calls("rmi", "app:1")
        self.load(range(FEW, MANY))
        each = (self.calls("rmi", "app:2") - few) / (MANY - FEW)
        print(f"system calls of rmi: {few} with {FEW} images, {each:.1f} for each more")
        self.assertLess(each, EACH_KEPT)


EACH_LOADED, EACH_LISTED, EACH_KEPT = 150, 8, 8  # system calls

if __name__ == "__main__":
    unittest.main()
