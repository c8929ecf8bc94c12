"""Every command that writes, killed, and its disk full or faulty, at each point where it changes a file.

The program under test is strata_faults (tests/faults/faults.cc). Of each command every k-th point is tried, so that
the suite stays short; STRATA_CRASH_STEP=1 tries all of them, STRATA_CRASH_ONLY=build,load those commands alone.
"""
import concurrent.futures
import dataclasses
import multiprocessing
import os
import re
import shutil
import subprocess
import tarfile
import time
import unittest

from tests.support import faults, mounts, rootfs
from tests.support.case import IN_MEMORY, StoreCase
from tests.support.engine import Strata
from tests.support.store import Store
from tests.tools import store_check

STEP = int(os.environ.get("STRATA_CRASH_STEP", "0"))
ONLY = [name for name in os.environ.get("STRATA_CRASH_ONLY", "").split(",") if name]
WORKERS = min(4, os.cpu_count() or 1)


@dataclasses.dataclass(frozen=True)
class Command:
    """What is run on a copy of the sound store; {} is the test's folder."""
    name: str
    arguments: tuple
    removes: tuple = ()   # tags that go, or may be gone
    done: str = ""        # what a second run says if the first had done its work: a pattern
    undo: tuple = ()      # commands that make a second run possible where the first had done its work
    stdin: str = ""       # a file

    def words(self, folder):
        return [word.replace("{}", folder) for word in self.arguments]


COMMANDS = [
    Command("build", ("build", "-q", "--network", "none", "-t", "new:1", "{}/build")),
    Command("build-run", ("build", "-q", "--network", "none", "-t", "new:1", "{}/run")),
    Command("load", ("load", "-q", "-i", "{}/other.tar")),
    Command("load-pipe", ("load", "-q"), stdin="other.tar"),
    Command("import", ("import", "{}/small.tar", "imported:1")),
    Command("commit", ("commit", "box", "committed:1")),
    Command("tag", ("tag", "app:1", "second:1")),
    Command("rmi", ("rmi", "side:1"), removes=("side:1",), done="No such image"),
    Command("prune", ("system", "prune", "-f", "-a"), removes=("app:1", "side:1", "base:1")),
    Command("create", ("create", "--name", "new", "app:1", "true"), done="already in use"),
    Command("rm", ("rm", "box"), done="No such container"),
    Command("cp", ("cp", "{}/build/a", "box:/copied")),
]


@dataclasses.dataclass(frozen=True)
class Trial:
    folder: str
    binary: str
    command: Command
    act: str
    at: int
    point: str


class Failed(Exception):
    pass


def expect(condition, *what):
    if not condition:
        raise Failed("\n".join(str(w) for w in what))


def copy_store(source, target):
    subprocess.run(["cp", "-a", source, target], check=True)


def look(engine, what):
    """Nothing is damaged: what a dead process left may be there, and --repair would take it.

    Where a command met a full disk, "tidy": at most layers that it had published before, which the next removal takes.
    """
    result = engine.run("check")
    if what == "tidy":
        more = [line for line in result.out.splitlines()[:-1] if "is used by nothing" not in line]
        expect(not more, "more is left than layers that nothing uses", result)
    expect(result.code <= (0 if what == "clean" else 1) and "damaged " not in result.out, f"check is not {what}", result)
    return result


def independent(root):
    store = store_check.check(root)
    bad = [f for f in store.findings if f.severity != "note"]
    expect(not bad, "store_check finds:", *bad)


def check_failure(trial, result):
    """A command that met an error and could not go on says so in one line, and how it says it."""
    word = "no space left on device" if trial.act == faults.ENOSPC else "input/output error"
    lines = [line for line in result.err.splitlines() if line.strip()]
    expect(result.code == 1 or result.code == 125, "another exit status than 1", result)
    # `build -q` tells on failure what it would have told without -q.
    expect(lines and word in lines[-1] and (len(lines) == 1 or trial.command.name.startswith("build")),
           "not one line that says why", result)
    expect("tmp-" not in lines[-1], "the line names a temporary file", result)


def check_tags(trial, store, sound, finished):
    """Names lead where they led before, or where they would after the whole command."""
    tags = store.tags()
    for tag, image in sound.tags().items():
        expect(tags.get(tag) == image or (tag in trial.command.removes and tag not in tags), f"the tag {tag} is lost", tags)
    for tag, image in tags.items():
        # A build's image has a time of its own, so only the name is known.
        expect(tag in sound.tags() or tag in finished.tags(), f"{tag} is new", tags)


def attempt(trial):
    """"" or what is wrong after one fault at one point."""
    root = os.path.join(trial.folder, f"{trial.command.name}-{trial.act}-{trial.at}")
    try:
        copy_store(os.path.join(trial.folder, "sound"), root)
        attempt_in(trial, root)
        return ""
    except Failed as failed:
        return f"{trial.command.name}, {trial.act} at {trial.point}:\n{failed}"
    finally:
        mounts.unmount_below(root)
        shutil.rmtree(root, ignore_errors=True)


def attempt_in(trial, root):
    command, engine, store = trial.command, Strata(root), Store(root)
    words = command.words(trial.folder)
    stdin = b""
    if command.stdin:
        with open(os.path.join(trial.folder, command.stdin), "rb") as file:
            stdin = file.read()
    result = faults.Faulty(root, trial.binary, trial.act, trial.at).run(*words, stdin=stdin)
    if trial.act in (faults.KILL, faults.POWER):
        expect(result.code == -9 or result.code == 0, "neither killed nor done", result)
    elif result.code != 0:
        check_failure(trial, result)
    if trial.act == faults.POWER:
        reboot(root)
    mounts.unmount_below(root)  # as a reboot does; a kill alone leaves those of a RUN
    check_tags(trial, store, Store(os.path.join(trial.folder, "sound")), Store(os.path.join(trial.folder, "whole-" + command.name)))
    look(engine, "tidy" if trial.act == faults.ENOSPC else "whole")
    again = engine.run(*words, stdin=stdin)
    expect(again.code == 0 or (command.done and re.search(command.done, again.err)), "cannot be repeated", again)
    look(engine, "whole")
    repaired = engine.run("check", "--repair")
    expect(repaired.code <= 1, "is not repaired", repaired)
    look(engine, "clean")
    independent(root)


def reboot(root):
    """What the kernel knows is forgotten: the boot id in the names of unsynced parts becomes another."""
    folder = os.path.join(root, "strata/unsynced")
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        os.rename(os.path.join(folder, name), os.path.join(folder, "00000000-0000-0000-0000-000000000000" + name[36:]))


class CrashCase(StoreCase):
    """A sound store, and the points of commands on it."""

    def setUp(self):
        super().setUp()
        shutil.rmtree(self.folder)
        self.folder = os.path.join(IN_MEMORY, os.path.basename(self.folder))
        os.mkdir(self.folder, 0o700)
        self.binary = faults.program()
        self.make_sound_store()

    def make_sound_store(self):
        engine = self.strata("sound")
        with tarfile.open(self.path("base.tar"), "w") as tar:
            for folder in ("bin", "dev", "etc", "proc", "sys", "tmp"):
                rootfs.add(tar, folder, tarfile.DIRTYPE)
            with open(rootfs.BUSYBOX, "rb") as file:
                rootfs.add_file(tar, "bin/busybox", file.read(), 0o755)
            for applet in ("sh", "true", "rm", "mkdir"):
                rootfs.add(tar, "bin/" + applet, tarfile.SYMTYPE, 0o777, "busybox")
        with tarfile.open(self.path("small.tar"), "w") as tar:
            rootfs.add_file(tar, "a", "a" * 100)
            rootfs.add(tar, "b", tarfile.SYMTYPE, 0o777, "a")
        engine("import", self.path("base.tar"), "base:1")
        self.context({"Dockerfile": "FROM base:1\nCOPY a /a\n", "a": "a" * 5000}, "app")
        self.context({"Dockerfile": "FROM base:1\nCOPY s /s\nENV x=y\n", "s": "s" * 5000}, "side")
        self.context({"Dockerfile": "FROM app:1\nCOPY a d /d/\nENV n=1\nCOPY b /b\n", "a": "aa" * 5000, "d/e": "e", "d/f": "f",
                      "b": "b"}, "build")
        os.symlink("e", self.path("build/d/link"))
        os.link(self.path("build/d/f"), self.path("build/d/hard"))
        self.context({"Dockerfile": "FROM app:1\nRUN echo made > /made && mkdir /dir && rm /a\n"}, "run")
        self.context({"Dockerfile": "FROM base:1\nCOPY o /o\nCOPY p /p\n", "o": "o" * 5000, "p": "p"}, "other")
        for name in ("app", "side"):
            engine("build", "-q", "-t", name + ":1", self.path(name))
        copy_store(self.path("sound"), self.path("elsewhere"))
        self.strata("elsewhere")("build", "-q", "-t", "other:1", self.path("other"))
        self.strata("elsewhere")("save", "-o", self.path("other.tar"), "other:1")
        engine("create", "--name", "box", "app:1", "true")
        engine("cp", self.path("build/b"), "box:/b")
        look(engine, "clean")
        independent(self.path("sound"))

    def trials(self, command, act, step):
        """The command once in peace, to count its points; then a trial for every step-th of them."""
        copy_store(self.path("sound"), self.path("whole-" + command.name))
        stdin = b""
        if command.stdin:
            with open(self.path(command.stdin), "rb") as file:
                stdin = file.read()
        found = faults.points(self.binary, self.path("whole-" + command.name), command.words(self.folder), self.path(command.name + ".log"),
                              stdin)
        self.assertGreater(len(found), 2, found)
        return [Trial(self.folder, self.binary, command, act, at, found[at - 1])
                for at in range(1 + len(found) % step, len(found) + 1, step)]


class CrashTest(CrashCase):
    def try_all(self, act, step):
        commands = [command for command in COMMANDS if not ONLY or command.name in ONLY]
        trials = [trial for command in commands for trial in self.trials(command, act, STEP or step)]
        started = time.monotonic()
        with concurrent.futures.ProcessPoolExecutor(WORKERS, multiprocessing.get_context("fork")) as pool:
            wrong = [text for text in pool.map(attempt, trials, chunksize=1) if text]
        print(f"{act}: {len(trials)} points in {time.monotonic() - started:.0f} s, {len(wrong)} wrong")
        if wrong:
            self.fail("\n\n".join([f"{len(wrong)} of {len(trials)} points", *wrong[:100]]))

    def test_a_kill_at_any_point_damages_nothing_and_the_command_can_be_repeated(self):
        self.try_all(faults.KILL, 30)

    def test_after_a_power_cut_at_any_point_no_named_image_is_damaged(self):
        self.try_all(faults.POWER, 30)

    def test_a_full_disk_at_any_point_is_one_line_and_leaves_nothing_half_made(self):
        self.try_all(faults.ENOSPC, 30)

    def test_an_error_of_the_disk_at_any_point_damages_nothing(self):
        self.try_all(faults.EIO, 40)


if __name__ == "__main__":
    unittest.main()
