"""What running costs, counted: processes that are started, syncs, mounts. No times."""
import os
import re
import subprocess
import time
import unittest

from tests.support import rootfs
from tests.support.case import StoreCase

IMAGE = "busybox:test"
CREATED, REMOVED = 330, 290  # system calls
FAULTS = 107  # of inspect; about 117 where functions stand as they are compiled


class Trace:
    """The system calls of one command and of all that it starts: a line for each.

    One that others come between stands in two lines of strace's, which depends on when they come.
    """

    def __init__(self, text):
        self.lines, begun = [], {}
        for line in text.splitlines():
            process, call = line.split(None, 1)
            if call.endswith("<unfinished ...>"):
                begun[process] = call.removesuffix("<unfinished ...>")
                continue
            if call.startswith("<... "):
                call = begun.pop(process, "") + call.partition(" resumed>")[2]
            self.lines.append(call)
        self.lines += begun.values()

    def count(self, call):
        return sum(line.startswith(call + "(") for line in self.lines)

    def programs(self):
        """What was executed, by name, in order; not what execvp looked for in vain."""
        started = [re.match(r'execve(?:at)?\(.*?\["([^"]*)"(.*)', line) for line in self.lines if "ENOENT" not in line]
        return [os.path.basename(match[1]) for match in started if match]


class CostCase(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.engine("import", rootfs.busybox(self.path("base.tar")), IMAGE)

    def trace(self, *words, calls="execve,execveat,syncfs,fsync,fdatasync"):
        path = self.path("trace")
        subprocess.run(["strace", "-f", "-qq", "-s", "64", "-e", "signal=none", "-e", "trace=" + calls, "-o", path,
                        *self.engine.command(), *words], check=True, timeout=120, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with open(path, errors="replace") as file:
            return Trace(file.read())


class StartTest(CostCase):
    def page_faults(self, *words):
        command = [*self.engine.command(), *words]
        quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        _, status, usage = os.wait4(os.posix_spawn(command[0], command, os.environ, file_actions=quiet), 0)
        self.assertEqual(status, 0)
        return usage.ru_minflt

    def test_what_a_start_runs_stands_together_in_the_program(self):
        """If this fails because functions are new or have other names: scripts/start_order.py."""
        faults = min(self.page_faults("inspect", IMAGE) for _ in range(5))
        print(f"page faults of inspect: {faults}")
        self.assertLess(faults, FAULTS)

    def huge_pages(self, *words):
        """The areas for which huge pages are asked for: (address, bytes)."""
        asked = [re.search(r"madvise\((0x[0-9a-f]+), (\d+), MADV_HUGEPAGE\)", line) for line in self.trace(*words, calls="madvise").lines]
        return [(int(match[1], 16), int(match[2])) for match in asked if match]

    def test_a_command_that_needs_much_memory_has_it_in_huge_pages(self):
        self.assertEqual(self.huge_pages("inspect", IMAGE), [])
        words = ("save", "-o", self.path("image.tar"), IMAGE)
        [(address, size)] = self.huge_pages(*words)
        self.assertEqual(address % (2 << 20), 0)
        self.assertGreater(size, 28 << 20)
        print(f"page faults of save: {min(self.page_faults(*words) for _ in range(5))}")

    def libraries(self, *words):
        opened = [re.search(r'/([^/"]+)\.so[.0-9]*"', line) for line in self.trace(*words, calls="openat").lines]
        return {match[1] for match in opened if match}

    def test_a_library_that_few_commands_need_is_loaded_when_they_do(self):
        self.assertLessEqual(self.libraries("images"), {"libc"})
        folder = self.context({"Dockerfile": f"FROM {IMAGE}\nCOPY f /f\n", "f": "f"})
        build = ("build", "-q", "-t", "cached:1", folder)
        time.sleep(0.2)  # what has just been written is in no memo
        self.engine(*build)
        self.assertNotEqual(os.listdir(self.path("store/strata/memo")), [])
        self.assertLessEqual(self.libraries(*build), {"libc"})
        self.assertIn("libisal", self.libraries("save", "-o", self.path("image.tar"), IMAGE))


class RunTest(CostCase):
    def test_one_runtime_and_one_guardian(self):
        """No call of the runtime to ask how the container is or to remove it, none that starts itself again."""
        trace = self.trace("run", "--rm", "--network", "none", IMAGE, "true")
        self.assertEqual(sorted(trace.programs()[1:]), ["crun", "sh", "true"])

    def test_a_container_that_is_gone_with_its_end_is_not_synced(self):
        trace = self.trace("run", "--rm", "--network", "none", IMAGE, "true")
        self.assertEqual([trace.count(call) for call in ("syncfs", "fsync", "fdatasync")], [0, 0, 0])

    def test_nothing_of_it_is_left_to_be_looked_at_by_later_commands(self):
        before = os.listdir(self.path("store/strata/unsynced"))
        for _ in range(3):
            self.engine("run", "--rm", "--network", "none", IMAGE, "true")
        self.assertEqual(os.listdir(self.path("store/strata/unsynced")), before)

    def test_a_creation_is_one_sync_and_a_removal_is_none(self):
        trace = self.trace("create", "--name", "box", "--network", "none", IMAGE, "true")
        self.assertEqual([trace.count(call) for call in ("syncfs", "fsync", "fdatasync")], [1, 0, 0])
        trace = self.trace("rm", "box")
        self.assertEqual([trace.count(call) for call in ("syncfs", "fsync", "fdatasync")], [0, 0, 0])

    def test_a_container_is_created_and_removed_in_few_calls(self):
        """With what a start of the program takes; what the file system has to change is about a hundred of each."""
        create, remove = ("create", "--name", "box", IMAGE, "true"), ("rm", "box")
        for words in (create, remove):  # what is made at the first time is there
            self.engine(*words)
        for words, limit in ((create, CREATED), (remove, REMOVED)):
            calls = len(self.trace(*words, calls="all").lines)
            print(f"system calls of {words[0]}: {calls}")
            self.assertLess(calls, limit)


class BuildTest(CostCase):
    STEPS = 5

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("context"))
        with open(self.path("context/Dockerfile"), "w") as file:
            file.write(f"FROM {IMAGE}\n" + "".join(f"RUN touch /{step}\n" for step in range(self.STEPS)))

    def test_one_runtime_for_each_step_and_one_guardian_for_all(self):
        trace = self.trace("build", "--no-cache", "-t", "made", self.path("context"))
        programs = trace.programs()
        self.assertEqual(programs.count("crun"), self.STEPS)
        self.assertEqual(programs.count("sh"), self.STEPS + 1)  # that of RUN, and the guardian's
        self.assertEqual(len(programs), 1 + 2 * self.STEPS + 1)

    def test_syncs_and_mounts_do_not_grow_with_the_steps(self):
        trace = self.trace("build", "--no-cache", "-t", "made", self.path("context"), calls="syncfs,fsync,fsmount,open_tree")
        self.assertLessEqual(trace.count("syncfs"), 2)
        # Each step mounts its root file system; the image's is looked at once.
        self.assertLessEqual(trace.count("fsmount"), self.STEPS + 1)


if __name__ == "__main__":
    unittest.main()
