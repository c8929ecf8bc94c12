#!/usr/bin/env python3
"""What commands cost as what they work on, or what lies beside it, grows 1, 10 and 100 times.

    bench/growth.py --strata build/release/strata --dir /var/tmp > table.md

--strata PROGRAM   the program to measure (default: strata)
--dir FOLDER       where stores and inputs go, on the file system to be measured; a folder of its own is made there and removed
--repeat N         runs of each command; the best counts (default: 5)
--only NAME        only this dimension; may be given several times: files, bytes, layers, images, built, containers, tags
--quick            a tenth of all sizes, to try the script

Prints a Markdown table: the best wall time, user and system time of that command, and its system calls (counted by strace, in a run of
their own; "-" without strace) at each size, and the exponent, log(cost at 100x / cost at 10x) / log 10: 0 does not grow, 1 is linear, 2 is
quadratic. An exponent in brackets says little: the time at 100x is still mostly the start of a process, which the first line gives.
Exponents of system calls have no noise and no such bottom. Takes about six minutes on two slow cores; needs root, as strata does.
"""
import argparse
import hashlib
import io
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

SIZES = (1, 10, 100)
MIB = 1024 * 1024


class Cost:
    """The best of several runs; times in seconds."""

    def __init__(self, wall, cpu, calls):
        self.wall, self.cpu, self.calls = wall, cpu, calls


class Bench:
    def __init__(self, program, folder, repeat):
        self.program, self.folder, self.repeat = program, folder, repeat
        self.trace = shutil.which("strace")
        self.serial = 0

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def fresh(self, name):
        """A folder that is not there yet."""
        self.serial += 1
        return self.path(f"{name}-{self.serial}")

    def command(self, store, words):
        return [self.program, "--root", store, *words]

    def do(self, store, *words):
        """Without measuring."""
        subprocess.run(self.command(store, words), check=True, stdout=subprocess.DEVNULL)

    def once(self, argv):
        with open(os.devnull, "r+b") as null:
            begin = time.perf_counter()
            pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null.fileno(), 1)])
            _, status, usage = os.wait4(pid, 0)
            wall = time.perf_counter() - begin
        if status != 0:
            sys.exit(f"{' '.join(argv)}: status {os.waitstatus_to_exitcode(status)}")
        return wall, usage.ru_utime + usage.ru_stime

    def calls(self, argv):
        if not self.trace:
            return None
        log = self.path("trace")
        subprocess.run([self.trace, "-f", "-c", "-o", log, *argv], check=True, stdout=subprocess.DEVNULL)
        with open(log, encoding="utf-8") as file:
            total = re.search(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)(?:\s+\d+)?\s+total", file.read(), re.M)
        return int(total[1]) if total else None

    def measure(self, store, words):
        """`words`: of a command, or a function that gives them, and gets things ready, for each of the runs."""
        def ready():
            return self.command(*words()) if callable(words) else self.command(store, words)

        runs = [self.once(ready()) for _ in range(self.repeat)]
        return Cost(min(run[0] for run in runs), min(run[1] for run in runs), self.calls(ready()))


# --- inputs ---------------------------------------------------------------------------------------------------------------------------

def tar_bytes(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1_700_000_000
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def image_archive(path, images):
    """A docker archive of [(names, [layer tar])]; equal layers are in it once."""
    manifest, known = [], set()
    with tarfile.open(path, "w") as tar:
        def add(name, content):
            if name not in known:
                known.add(name)
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))

        for names, layers in images:
            digests = [hashlib.sha256(layer).hexdigest() for layer in layers]
            for digest, layer in zip(digests, layers):
                add(digest + ".tar", layer)
            config = json.dumps({
                "architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z", "config": {"Cmd": ["/file"]},
                "history": [{"created": "2024-01-02T03:04:05Z", "created_by": f"layer {i} of {names[0]}"} for i in range(len(layers))],
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest for digest in digests]},
            }).encode()
            name = hashlib.sha256(config).hexdigest() + ".json"
            add(name, config)
            manifest.append({"Config": name, "RepoTags": names, "Layers": [digest + ".tar" for digest in digests]})
        add("manifest.json", json.dumps(manifest).encode())
    return path


def tiny_images(first, last):
    base = tar_bytes([("base", b"base\n")])
    return [([f"many:{i}"], [base, tar_bytes([(f"file-{i}", b"image %d\n" % i)])]) for i in range(first, last)]


def context(path, files, dockerfile="FROM scratch\nCOPY . /data/\nENV A=b\nLABEL c=d\n"):
    os.makedirs(path)
    with open(os.path.join(path, "Dockerfile"), "w", encoding="utf-8") as file:
        file.write(dockerfile)
    for name, content in files:
        os.makedirs(os.path.dirname(os.path.join(path, name)), exist_ok=True)
        with open(os.path.join(path, name), "wb") as file:
            file.write(content)
    return path


# --- what grows: each gives {command: cost} for one size ------------------------------------------------------------------------------

def build(path, tag, *options):
    return ("build", "-q", "--network", "none", "-t", tag, *options, path)


def builds_of(bench, files):
    store, folder = bench.fresh("store"), context(bench.fresh("context"), files)
    time.sleep(0.05)  # a file that changed in this very moment is not remembered
    cold = bench.measure(store, build(folder, "a:1", "--no-cache"))
    bench.do(store, *build(folder, "a:1"))
    return {"build, COPY": cold, "cached build": bench.measure(store, build(folder, "a:1"))}


def files_of_a_context(bench, size):
    return builds_of(bench, ((f"d{i // 50}/f{i}", b"file %d\n" % i * 100) for i in range(size)))


def bytes_of_a_file(bench, size):
    block = os.urandom(MIB)
    return builds_of(bench, [("big", block * size)])


def layers_of_an_image(bench, size):
    layers = [tar_bytes([(f"d/file-{i}", b"layer %d\n" % i)]) for i in range(size)]
    archive = image_archive(bench.fresh("layers"), [(["deep:1"], layers)])
    store = bench.fresh("store")
    found = {"load": bench.measure(None, lambda: (bench.fresh("store"), ("load", "-q", "-i", archive)))}
    bench.do(store, "load", "-q", "-i", archive)
    found["inspect"] = bench.measure(store, ("image", "inspect", "deep:1"))
    found["history"] = bench.measure(store, ("history", "deep:1"))
    on_top = context(bench.fresh("context"), [("f", b"f")], "FROM deep:1\nCOPY f /\nLABEL a=b\n")
    found["build on top"] = bench.measure(store, build(on_top, "top:1", "--no-cache"))
    found["create"] = bench.measure(store, ("create", "deep:1"))
    found["save"] = bench.measure(store, ("save", "-o", bench.path("saved.tar"), "deep:1"))
    return found


def beside(bench, store, spare):
    """Commands on one image, whatever else there is. `spare`: archives of one image each that is not there, named spare-N:1."""
    folder = context(bench.fresh("context"), [("f", b"f")])
    bench.do(store, *build(folder, "mine:1"))
    numbers = iter(range(10_000))
    loads, unloads = iter(spare), iter(range(len(spare)))
    found = {
        "images": bench.measure(store, ("images",)),
        "images -q": bench.measure(store, ("images", "-q")),
        "inspect": bench.measure(store, ("image", "inspect", "mine:1")),
        "history": bench.measure(store, ("history", "mine:1")),
        "cached build": bench.measure(store, build(folder, "mine:1")),
        "build, COPY": bench.measure(store, build(folder, "mine:1", "--no-cache")),
        "tag": bench.measure(store, lambda: (store, ("tag", "mine:1", f"other:{next(numbers)}"))),
        "load of one": bench.measure(store, lambda: (store, ("load", "-q", "-i", next(loads)))),
        "rmi of one": bench.measure(store, lambda: (store, ("rmi", f"spare-{next(unloads)}:1"))),
        "create": bench.measure(store, ("create", "mine:1", "/f")),
    }
    return found


def spare_archives(bench):
    base = tar_bytes([("base", b"base\n")])
    return [image_archive(bench.fresh("spare"), [([f"spare-{i}:1"], [base, tar_bytes([("spare", b"%d" % i)])])]) for i in range(bench.repeat + 1)]


def images_in_the_store(bench, size):
    store, archive = bench.fresh("store"), image_archive(bench.fresh("many"), tiny_images(0, size))
    found = {"load of all": bench.measure(None, lambda: (bench.fresh("store"), ("load", "-q", "-i", archive)))}
    bench.do(store, "load", "-q", "-i", archive)
    return {**found, **beside(bench, store, spare_archives(bench))}


def images_built_here(bench, size):
    store = bench.fresh("store")
    folder = context(bench.fresh("context"), [("f", b"f")], "FROM scratch\nCOPY f /\nARG n\nLABEL n=$n\nENV a=b\n")
    for number in range(size):
        bench.do(store, *build(folder, f"built:{number}", "--build-arg", f"n={number}"))
    return beside(bench, store, spare_archives(bench))


def containers(bench, size):
    store = bench.fresh("store")
    bench.do(store, "load", "-q", "-i", image_archive(bench.fresh("one"), tiny_images(0, 1)))
    for number in range(size + bench.repeat + 1):
        bench.do(store, "create", "--name", f"c{number}", "many:0")
    numbers = iter(range(size, 10_000))
    names = iter(range(10_000))
    return {
        "ps -a": bench.measure(store, ("ps", "-a")),
        "inspect of one": bench.measure(store, ("container", "inspect", "c0")),
        "rm of one": bench.measure(store, lambda: (store, ("rm", f"c{next(numbers)}"))),
        "create": bench.measure(store, lambda: (store, ("create", "--name", f"n{next(names)}", "many:0"))),
        "images": bench.measure(store, ("images",)),
    }


def tags(bench, size):
    store = bench.fresh("store")
    names = [f"tagged:{i}" for i in range(size)]
    archive = image_archive(bench.fresh("tags"), [(names, [tar_bytes([("f", b"f")])])])
    bench.do(store, "load", "-q", "-i", archive)
    numbers, removed = iter(range(10_000)), iter(range(10_000))
    return {
        "load of all": bench.measure(None, lambda: (bench.fresh("store"), ("load", "-q", "-i", archive))),
        "images": bench.measure(store, ("images",)),
        "inspect": bench.measure(store, ("image", "inspect", "tagged:0")),
        "tag": bench.measure(store, lambda: (store, ("tag", "tagged:0", f"more:{next(numbers)}"))),
        "rmi of a tag": bench.measure(store, lambda: (store, ("rmi", f"more:{next(removed)}"))),
    }


# Name, what it says in the table, the measured function, the smallest size.
DIMENSIONS = [
    ("files", "files of a build's context", files_of_a_context, 200),
    ("bytes", "MiB of one file that is copied", bytes_of_a_file, 4),
    ("layers", "layers of an image", layers_of_an_image, 1),
    ("images", "images in the store, loaded", images_in_the_store, 10),
    ("built", "images in the store, built", images_built_here, 3),
    ("containers", "containers", containers, 3),
    ("tags", "tags of an image", tags, 10),
]


# --- the table ------------------------------------------------------------------------------------------------------------------------

def exponent(middle, large):
    return math.log10(large / middle) if middle and large and middle > 0 else None


def row(command, costs, start):
    middle, large = costs[-2], costs[-1]
    slope = exponent(middle.wall, large.wall)
    is_flat = large.wall < 2 * start
    cells = [command, *(f"{cost.wall * 1000:.1f}" for cost in costs), f"({slope:.2f})" if is_flat else f"{slope:.2f}",
             " / ".join(f"{cost.cpu * 1000:.0f}" for cost in costs)]
    if all(cost.calls for cost in costs):
        cells += [" / ".join(str(cost.calls) for cost in costs), f"{exponent(middle.calls, large.calls):.2f}"]
    else:
        cells += ["-", "-"]
    return "| " + " | ".join(cells) + " |"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--strata", default="strata")
    options.add_argument("--dir", default="/var/tmp")
    options.add_argument("--repeat", type=int, default=5)
    options.add_argument("--only", action="append", choices=[name for name, *_ in DIMENSIONS])
    options.add_argument("--quick", action="store_true")
    chosen = options.parse_args()
    program = shutil.which(chosen.strata)
    if not program:
        sys.exit(f"no program {chosen.strata}")
    folder = tempfile.mkdtemp(prefix="strata-growth-", dir=chosen.dir)
    try:
        bench = Bench(os.path.abspath(program), folder, chosen.repeat)
        start = bench.measure(bench.fresh("store"), ("version",))
        print(f"The start of a process, `strata version`: {start.wall * 1000:.1f} ms, {start.calls} system calls. {os.cpu_count()} cores.\n")
        for name, title, measured, smallest in DIMENSIONS:
            if chosen.only and name not in chosen.only:
                continue
            sizes = [max(1, smallest * factor // (10 if chosen.quick else 1)) for factor in SIZES]
            results = [measured(bench, size) for size in sizes]
            shown = ", ".join(str(size) for size in sizes)
            print(f"| {title}: {shown} | 1x ms | 10x ms | 100x ms | exponent | user + system ms | system calls | their exponent |")
            print("|---|--:|--:|--:|--:|---|---|--:|")
            for command in results[0]:
                print(row(command, [result[command] for result in results], start.wall))
            print(flush=True)
            for entry in os.listdir(folder):
                path = os.path.join(folder, entry)
                if os.path.isdir(path):
                    shutil.rmtree(path)
                else:
                    os.unlink(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
