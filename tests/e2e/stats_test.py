"""`stats`: what containers use, once and as a stream."""
import json
import re
import subprocess
import time
import unittest

from tests.e2e.container_test import IMAGE, ContainerCase
from tests.support.case import PATIENCE

BUSY = ("sh", "-c", "while :; do :; done")
IDLE = ("sh", "-c", "while :; do sleep 1; done")
HEADINGS = ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS"]
CLEAN = "\033[2J\033[H"


class Stats(ContainerCase):
    def rows(self, *arguments):
        return [json.loads(line) for line in self.engine("stats", "--no-stream", "--format", "{{json .}}", *arguments).splitlines()]

    def test_what_is_used_is_what_the_container_uses(self):
        busy = self.detached("--name", "busy", "-m", "64m", "--cpus", "0.5", IMAGE, *BUSY)
        self.detached("--name", "idle", IMAGE, *IDLE)
        stopped = self.engine("create", "--name", "stopped", "--network", "none", IMAGE, "true")
        begin, before = time.monotonic(), self.cpu_seconds(busy)
        rows = self.rows("busy", "idle", "stopped", busy[:5])
        share = (self.cpu_seconds(busy) - before) / (time.monotonic() - begin) * 100
        self.assertEqual([(row["Container"], row["Name"], row["ID"]) for row in rows][::2], [("busy", "busy", busy[:12]), ("stopped", "stopped", stopped[:12])])
        self.assertEqual(rows[3] | {"Container": "", "MemUsage": "", "MemPerc": "", "CPUPerc": ""}, rows[0] | {"Container": "", "MemUsage": "", "MemPerc": "", "CPUPerc": ""})
        self.assertEqual(rows[2], {"BlockIO": "0B / 0B", "CPUPerc": "0.00%", "Container": "stopped", "ID": stopped[:12], "MemPerc": "0.00%", "MemUsage": "0B / 0B",
                                   "Name": "stopped", "NetIO": "0B / 0B", "PIDs": "0"})
        self.assertEqual(rows[0]["PIDs"], "1")
        for row in (rows[0], rows[3]):  # never more than its half, but for how a period falls; less where many share the cores
            self.assertTrue(share / 3 < float(row["CPUPerc"].rstrip("%")) < min(75, share * 3), (share, row))
        self.assertLess(float(rows[1]["CPUPerc"].rstrip("%")), 20, rows[1])
        self.assertRegex(rows[0]["MemUsage"], r"^[\d.]+[KM]iB / 64MiB$")
        self.assertEqual(rows[0]["NetIO"], "0B / 0B")

    def cpu_seconds(self, container):
        v1 = self.group(container, "cpuacct", "cpuacct.usage", "-")
        return int(v1) / 1e9 if v1 else int(self.group(container, "-", "-", "cpu.stat").split()[1]) / 1e6

    def test_the_table_is_of_those_that_run_or_of_all(self):
        web = self.detached("--name", "web", IMAGE, *IDLE)
        self.engine("create", "--name", "other", "--network", "none", IMAGE, "true")
        lines = self.engine("stats", "--no-stream").splitlines()
        self.assertEqual(re.split(r" {3,}", lines[0]), HEADINGS)
        self.assertEqual([line.split()[:2] for line in lines[1:]], [[web[:12], "web"]])
        everything = self.engine("stats", "--no-stream", "-a", "--no-trunc").splitlines()
        self.assertEqual([line.split()[1] for line in everything[1:]], ["other", "web"])
        self.assertEqual(everything[2].split()[0], web)
        self.assertEqual(self.engine("stats", "--no-stream", "--format", "table {{.Container}}\t{{.Name}}"), f"CONTAINER      NAME\n{web[:12]}   web")
        self.engine("rm", "-f", "web")
        self.assertEqual(re.split(r" {3,}", self.engine("stats", "--no-stream")), HEADINGS)

    def test_mistakes(self):
        self.detached("--name", "web", IMAGE, *IDLE)
        for words, code, err in (
                (("nosuch", "web", "none"), 1, "Error response from daemon: No such container: nosuch\nError response from daemon: No such container: none\n"),
                (("--format", "{{", "web"), 1, "template parsing error: template: :1: unclosed action\n"),
                (("-x",), 125, "unknown shorthand flag: 'x' in -x\nSee 'strata stats --help'.\n")):
            result = self.engine.run("stats", *words)
            self.assertEqual((result.code, result.out, result.err), (code, "", err))
        result = self.engine.run("stats", "--no-stream", "--format", "{{.Nosuch}}", "web")
        self.assertEqual((result.code, result.err), (1, 'template parsing error: template: :1:2: executing "" at <.Nosuch>: can\'t evaluate field Nosuch in type *container.statsContext\n'))

    def stream(self, *arguments):
        process = self.engine.popen("stats", "--format", "{{.Name}} {{.PIDs}}", *arguments, stdout=subprocess.PIPE)

        def close():
            process.kill()
            process.wait()
            process.stdout.close()
        self.addCleanup(close)
        return process

    @staticmethod
    def until(process, wanted):
        """Reads the stream until a screen of exactly these lines; gives all that came before."""
        text = ""
        while True:
            byte = process.stdout.read(1).decode()
            if not byte:
                raise AssertionError(f"the stream ended: {text!r}")
            text += byte
            if text.endswith(CLEAN) and text.count(CLEAN) > 1 and text.split(CLEAN)[-2].splitlines() == wanted:
                return text

    def test_a_stream_shows_those_that_come_and_not_those_that_go(self):
        self.detached("--name", "one", IMAGE, "sleep", "1000")
        names = self.stream("--all", "one")
        everything = self.stream()
        self.until(everything, ["one 1"])
        self.detached("--name", "two", IMAGE, "sleep", "1000")
        self.until(everything, ["one 1", "two 1"])
        self.engine("kill", "one")
        self.until(everything, ["two 1"])
        self.until(names, ["one 0"])
        self.engine("rm", "one")
        self.until(names, ["one --"])

    def test_a_stream_that_nobody_reads_ends(self):
        self.detached("--name", "one", IMAGE, "sleep", "1000")
        process = self.stream()
        process.stdout.read(1)
        process.stdout.close()
        self.assertEqual(process.wait(PATIENCE), 1)


if __name__ == "__main__":
    unittest.main()
