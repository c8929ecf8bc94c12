"""Scenarios: the same commands on a store of Strata and on one of a real dockerd, compared command by command.

Exit status, standard output and standard error must be the same, but for what differs from run to run. Every ID becomes a word for
what it is, so that also the order of lines is compared: `image(app:1)`, `step(app:1, 2)`, `layer(app:1, 0)`.

A command is a tuple of words, or one string that is split as a shell does. In both, CONTEXT is the folder with the files of the case,
BASE a root file system's tar, N stands for `--network none`, {x:1} for the ID of an image, {x:1!} for its first 12 digits; a word
that begins with `?` is typed on standard input. `rootfs IMAGE` is no command: it compares all files of an image.
"""
import difflib
import hashlib
import json
import os
import re
import shlex
import shutil
import tarfile
import tempfile
import time

from tests.support import processes, rootfs
from tests.support.case import IN_MEMORY, PATIENCE, StoreCase
from tests.support.dockerd import Dockerd
from tests.support.engine import Strata
from tests.support.golden import normalise
from tests.support.known import Known

DIGEST = "sha256:" + "5" * 64
BASE = [("import", "BASE", "bb:1")]  # busybox, what most scenarios start from


def words_of(command):
    """A command as a tuple of words."""
    words = shlex.split(command) if isinstance(command, str) else command
    return tuple(part for word in words for part in (("--network", "none") if word == "N" else (word,)))


class Side:
    """One engine with its store, and the words for its IDs."""

    def __init__(self, engine, folder):
        self.engine, self.folder, self.words = engine, folder, {}

    def clear(self, keep=False):
        """Empties the store; with `keep` of all but bb:1."""
        for listing, removal in ((("ps", "-aq"), ("rm", "-f", "-v")), (("images", "-q"), ("rmi", "-f")), (("images", "-q"), ("rmi", "-f"))):
            names = set(self.engine(*listing).split())
            if keep:
                names -= {identifier.removeprefix("sha256:")[:12] for identifier, word in self.words.items() if word == "image(bb:1)"}
            if names:
                self.engine.run(*removal, *sorted(names))
        tags = set(self.engine("images", "--format", "{{.Repository}}:{{.Tag}}").split()) - {"bb:1"} if keep else ()
        if tags:
            self.engine("rmi", *sorted(tags))
        if not keep:
            self.engine("system", "prune", "-a", "-f", "--volumes")
        self.words = {identifier: word for identifier, word in self.words.items() if keep and "bb:1" in word}

    def prepare(self, steps):
        kept = bool(self.words)
        for step in steps:
            if kept and step == BASE[0]:
                continue
            if step in ("digests", "only a digest"):
                self.add_digests(only=step == "only a digest")
            else:
                self.engine(*self.arguments(words_of(step)))
                self.settle(words_of(step))
            self.learn()

    def settle(self, words):
        """Waits until a container that was started in the background has come to its `sleep`: traps are set then."""
        if words[:2] != ("run", "-d") or not any("sleep" in word for word in words):
            return
        pid = int(self.engine("inspect", "-f", "{{.State.Pid}}", words[words.index("--name") + 1]))
        deadline = time.monotonic() + PATIENCE
        while not any(line.startswith(b"sleep\0") for line in processes.family(pid)):
            if time.monotonic() > deadline:
                raise AssertionError(f"does not get to its sleep: {' '.join(words)}")
            time.sleep(0.01)

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
        text = normalise(text.replace("\x1b[0m\x1b[91m", ""))  # where a container's writes to stderr are cut is chance
        text = re.sub(r'time="[^"]*" level=error msg="error waiting for container: context canceled"\n', "", text)  # 20.10's client, when a start fails
        text = text.replace("WARNING: IPv4 forwarding is disabled. Networking will not work.\n", "")  # a word on the machine
        text = re.sub(r"(?m)^(docker|strata): ", "docker: ", text)
        text = re.sub(r"is not a (docker|strata) command", "is not a docker command", text)
        text = re.sub(r"See '(docker|strata) ", "See 'docker ", text)
        text = re.sub(r"Usage:  (docker|strata) ", "Usage:  docker ", text)
        text = re.sub(r'"(docker|strata) (\S+( \S+)?)" (requires|accepts)', r'"docker \2" \4', text)
        text = re.sub(r"(Less than a second|About a minute|\d+ (second|minute)s?) ago", "<time> ago", text)
        text = re.sub(r"Up (Less than a second|About a minute|\d+ (second|minute)s?)", "Up <time>", text)
        text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>", text)
        text = re.sub(r"\b[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d\b", "<time>", text)  # of ls: a minute may pass between the two
        text = re.sub(r"(?m)^\d+ +(?=sh |sleep )", "<pid>   ", text)
        return re.sub(r" {3,}", "   ", text)  # columns are as wide as times are long

    def files_of(self, image):
        """A line for each file: type, mode, owner, size or device, content, link target, attributes; hard links by their first name."""
        container = self.engine("create", image, "x")
        path = os.path.join(self.folder, "../export.tar")
        self.engine("export", "-o", path, container)
        self.engine("rm", container)
        lines = []
        with tarfile.open(path) as tar:
            for m in tar:
                content = hashlib.sha256(tar.extractfile(m).read()).hexdigest()[:8] if m.isreg() else ""
                attributes = {key: value for key, value in m.pax_headers.items() if key.startswith("SCHILY.xattr.")}
                name = m.name.strip("/")
                if name not in ("etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab", ".dockerenv") and name.split("/")[0] not in ("dev", "proc", "sys"):
                    lines.append(f"{name} {m.type} {m.mode & 0o7777:o} {m.uid}:{m.gid} {m.size} {m.devmajor},{m.devminor} content={content} {m.linkname} {attributes}")
        os.unlink(path)
        return sorted(lines)

    def run(self, command):
        words = words_of(command)
        if words[0] == "rootfs":
            return [f"$ {' '.join(words)}", *self.files_of(words[1])]
        answer = next((word[1:] + "\n" for word in words if word.startswith("?")), "")
        words = [word for word in words if not word.startswith("?")]
        result = self.engine.run(*self.arguments(words), stdin=answer.encode())
        out = self.comparable(result.out.split("\nLayers on disk:\n")[0])
        if words[0] == "diff" or words[:2] == ["system", "df"] or words[0] == "images" or words[:2] == ["image", "list"] or "prune" in words and "-a" in words:
            out = "\n".join(sorted(out.split("\n")))  # docker's changes, volumes, pruned images and names of one image have no order
        return [f"$ {' '.join(words)}", f"exit status {result.code}", "--- stdout", out, "--- stderr", self.comparable(result.err)]

    def left(self):
        def lines(words):  # names that nobody gave are random
            return sorted(re.sub(r"^[a-z]+_[a-z]+\d?$", "<name>", line) for line in self.comparable(self.engine(*words)).split("\n"))
        return ["\n".join(lines(words)) for words in (
            ("images", "-a", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"), ("ps", "-a", "--format", "{{.Names}}"))]


class ScenarioCase(StoreCase):
    """Two sides for a class of tests; dockerd is started when something is asked that is not known (known.py). `FILES`: name -> content of what is in CONTEXT. With KEEP the image bb:1 is imported once."""
    FILES = {}
    LINKS = {}  # links among them that a class makes in its setUpClass: name -> target
    KEEP = False

    @classmethod
    def setUpClass(cls):
        cls.roots = tempfile.mkdtemp(prefix="strata-scenario-", dir=IN_MEMORY)
        cls.addClassCleanup(shutil.rmtree, cls.roots, ignore_errors=True)
        folder = os.path.join(cls.roots, "context")
        rootfs.busybox(os.path.join(cls.roots, "base.tar"))
        for name, content in cls.FILES.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(content)
        cls.ours = Side(Strata(os.path.join(cls.roots, "ours")), folder)
        cls.theirs = Side(Dockerd(os.path.join(cls.roots, "theirs")), folder)
        cls.addClassCleanup(cls.theirs.engine.__exit__)
        cls.known = Known(cls.__module__.split(".")[-1])

    def compare(self, scenarios):
        """`scenarios`: name -> (what stands there before, the commands that are compared)."""
        for name, (before, commands) in scenarios.items():
            with self.subTest(name):
                question = (before, commands, self.FILES, self.LINKS, self.KEEP)
                ours = self.told(self.ours, before, commands)
                if self.known.agrees(question, ours):
                    continue
                theirs = self.told(self.dockerd_side(), before, commands)
                if ours != theirs:
                    self.fail("\n".join(difflib.unified_diff(theirs, ours, "docker", "strata", n=6, lineterm="")))
                self.known.note(question, theirs)

    def dockerd_side(self):
        if not self.theirs.engine.process:
            self.theirs.engine.start()
        return self.theirs

    def told(self, side, before, commands):
        """All that is said, and what is left, as lines."""
        side.clear(self.KEEP)
        side.prepare(before)
        lines = [line for command in commands for part in side.run(command) for line in part.split("\n")]
        return [*lines, "left:", *side.left()]

    def tearDown(self):
        self.ours.clear()
        super().tearDown()
