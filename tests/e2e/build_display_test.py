"""What a build shows: the forms of --progress, the log that is always kept, where a step failed, a shell in what it left."""
import json
import os
import pty
import re
import select
import struct
import fcntl
import subprocess
import termios
import time
import unittest

from tests.support import mounts, rootfs, sample
from tests.support.case import StoreCase

FROM = f"FROM {sample.BASE}\n"
TWO_STAGES = (FROM.replace("\n", " AS tools\n") + "RUN echo one; echo two >&2\n" + FROM + "COPY --from=tools /etc/passwd /p\nRUN echo $((40 + 2))\n")
FAILS = "# a comment\n" + FROM + "ENV A=1\nRUN for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; done; \\\n    exit 3\n"


class BuildDisplay(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)

    def run_build(self, dockerfile, *options, **more):
        folder = self.context({"Dockerfile": dockerfile})
        return self.engine.run("build", "--network", "none", *options, folder, **more)

    def on_terminal(self, dockerfile, *options, typed=b"", columns=60, **environment):
        """Exit status and what a terminal of that width got."""
        folder = self.context({"Dockerfile": dockerfile})
        parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 20, columns, 0, 0))
        process = subprocess.Popen([*self.engine.command(), "build", "--network", "none", *options, folder], stdin=child, stdout=child, stderr=child,
                                   env=self.engine.environment() | {"TERM": "xterm"} | environment, start_new_session=True)
        os.close(child)
        said, end = b"", time.monotonic() + 120
        while time.monotonic() < end:
            if not select.select([parent], [], [], 1)[0]:
                continue
            try:
                piece = os.read(parent, 4096)
            except OSError:  # EIO: nobody has the other end any more
                break
            said += piece
            if typed and b"a shell in what" in said:
                os.write(parent, typed)
                typed = b""
        os.close(parent)
        return process.wait(60), said.decode().replace("\r\n", "\n")

    def logs(self):
        folder = self.path("store/strata/logs")
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]

    # --- forms

    def test_plain(self):
        result = self.run_build(TWO_STAGES, "--progress", "plain", "-t", "x:1")
        self.assertEqual((result.code, result.out), (0, ""))
        text = re.sub(r"\d+\.\d+", "T", re.sub("[0-9a-f]{64}", "ID", result.err))
        for lines in ("#1 [internal] load build context\n#1 transferring context: TkB done\n#1 DONE Ts\n\n",
                      "[tools 2/2] RUN echo one; echo two >&2\n", " T one\n", " T two\n", f"[stage-1 1/3] FROM {sample.BASE}\n",
                      "[stage-1 3/3] RUN echo $((40 + 2))\n", " T 42\n", "writing image sha256:ID done\n", "naming to x:1 done\n"):
            self.assertIn(lines, text)
        again = self.run_build(TWO_STAGES, "--progress=plain")
        self.assertEqual(again.err.count(" CACHED\n"), 3, again.err)

    def test_rawjson(self):
        result = self.run_build(TWO_STAGES, "--progress", "rawjson")
        events = [json.loads(line) for line in result.err.splitlines()]
        plan = next(event for event in events if event["event"] == "plan")
        self.assertEqual([step.get("line") for step in plan["steps"]], [1, 2, 3, 4, 5])
        self.assertEqual([stage["name"] for stage in plan["stages"]], ["tools", "stage-1"])
        self.assertEqual({(event["stream"], event["text"]) for event in events if event["event"] == "output" and event["step"] == 1},
                         {("stdout", "one\n"), ("stderr", "two\n")})
        self.assertEqual({event["step"] for event in events if event["event"] == "done"}, {0, 1, 2, 3, 4})
        self.assertEqual(events[-1]["event"], "end")
        times = [event["at"] for event in events]
        self.assertEqual(times, sorted(times))
        failed = self.run_build(FAILS, "--progress", "rawjson")
        events = [json.loads(line) for line in failed.err.splitlines() if line.startswith("{")]
        self.assertEqual([(event["step"], event["exitCode"]) for event in events if event["event"] == "failed"], [(2, 3)])
        self.assertFalse(events[-1]["ok"])

    def test_a_terminal_gets_the_live_view(self):
        code, said = self.on_terminal(FROM + "RUN sleep 1; printf 'a very long line %s' $(seq 100); sleep 1\n", "-t", "x:1")
        self.assertEqual(code, 0, said)
        self.assertIn("[+] Building ", said)
        self.assertIn("=> [2/2] RUN sleep 1", said)
        self.assertRegex(said, r"\x1b\[\d+A", "drawn over the last frame")
        last = said[said.rindex("[+] Building"):]
        self.assertIn("(2/2) FINISHED", last)
        self.assertIn(" => naming to x:1", last)
        for line in re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", said).split("\n"):
            self.assertLess(len(line.strip("\r")), 60)
        self.assertIn("\x1b[34m", said)
        _, said = self.on_terminal(FROM + "RUN true\n", NO_COLOR="1")
        self.assertNotRegex(said, r"\x1b\[[0-9;]*m")

    def test_a_dumb_terminal_gets_docker_s_lines(self):
        code, said = self.on_terminal(FROM + "RUN echo hi\n", TERM="dumb")
        self.assertEqual(code, 0)
        self.assertIn(f"Step 1/2 : FROM {sample.BASE}\n", said)
        _, said = self.on_terminal(FROM + "RUN echo hi\n", "--progress=tty", TERM="dumb")
        self.assertIn("] RUN echo hi\n", said)
        self.assertNotIn("\x1b", said)

    # --- the log

    def test_every_build_leaves_its_log_and_twenty_are_kept(self):
        self.run_build(FROM + "RUN echo hello from the step\n", "-q")
        with open(self.logs()[0]) as log:
            text = log.read()
        self.assertRegex(text, r"#\d+ \d+\.\d{3} hello from the step\n")
        self.assertIn("writing image sha256:", text)
        self.assertRegex(os.path.basename(self.logs()[0]), r"^build-\d{8}T\d{6}\.\d{6}-[0-9a-f]{8}\.log$")
        for i in range(22):
            open(self.path(f"store/strata/logs/build-20200101T0000{i:02}.000000-00000000.log"), "w").close()
        self.run_build(FROM)
        self.assertEqual(len(self.logs()), 20)
        with open(self.logs()[-2]) as log:
            self.assertEqual(log.read(), text)

    # --- failures

    def test_where_a_step_failed(self):
        docker_s = "The command '/bin/sh -c for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; done;     exit 3' returned a non-zero code: 3\n"
        plain = self.run_build(FAILS)
        self.assertEqual((plain.code, plain.err), (3, docker_s), "scripts get docker's line alone")
        asked = self.run_build(FAILS, "--progress=classic")
        self.assertEqual(asked.code, 3)
        self.assertEqual(asked.err, "Dockerfile:4:\n"
                         "    4 | RUN for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; done; \\\n"
                         "      | " + "^" * 65 + "\n"
                         "    5 |     exit 3\n"
                         f"the whole output: {self.logs()[-1]}\n" + docker_s)
        with open(self.logs()[-1]) as log:
            self.assertIn(" line 1\n", log.read())
        code, said = self.on_terminal(FAILS, columns=100)
        self.assertEqual(code, 3)
        self.assertIn("its last output:\n" + "".join(f"    line {i}\n" for i in range(3, 13)) + "the whole output: ", said)
        self.assertIn("(2/3) FAILED", said)
        self.assertIn("=> ERROR [3/3] RUN for i", said)
        self.assertTrue(said.endswith(docker_s), said[-300:])
        copy = self.run_build(FROM + "COPY nope /\n", "--progress=plain")
        self.assertIn("Dockerfile:2:\n    2 | COPY nope /\n      | ^^^^^^^^^^^\n", copy.err)
        docker_s = "Error response from daemon: dockerfile parse error line 3: unknown instruction: RNU\n"
        wrong = FROM + "ENV A=1\nRNU a \\\n  b\n"
        self.assertEqual(self.run_build(wrong).err, docker_s)
        said = self.run_build(wrong, "--progress=plain").err
        self.assertIn("\nDockerfile:3:\n    3 | RNU a \\\n      | ^^^^^^^\n    4 |   b\n", said)
        self.assertTrue(said.endswith(docker_s), said)
        self.assertIn("\nDockerfile:2:\n    2 | ENV A\n      | ^^^^^\n", self.run_build(FROM + "ENV A\n", "--progress=plain").err)

    def test_a_shell_in_what_a_failed_step_left(self):
        dockerfile = FROM + "ENV A=1\nRUN --mount=type=secret,id=s --mount=type=bind,target=/ctx,rw echo half > /made; false\n"
        with open(self.path("secret"), "w") as file:
            file.write("hush\n")
        flags = ("--secret", f"id=s,src={self.path('secret')}", "--on-failure", "shell")
        result = self.run_build(dockerfile, *flags, stdin=b"cat /made /run/secrets/s; echo A=$A; head -1 /ctx/Dockerfile; exit 9\n")
        self.assertEqual(result.code, 1, result)
        self.assertTrue(result.out.endswith(f"half\nhush\nA=1\n{FROM}"), result.out)
        self.assertIn("a shell in what the failed step has left", result.err)
        self.assertTrue(result.err.endswith(" returned a non-zero code: 1\n"), result.err)
        code, said = self.on_terminal(dockerfile, *flags, typed=b"tty; cat /made; exit\n", columns=100)
        self.assertEqual(code, 1, said)
        self.assertIn("/dev/pts/0\n", said)
        self.assertIn("half\n", said)
        self.assertEqual([name for name in os.listdir(self.path("store/strata")) if name.startswith("run-")], [])
        self.assertEqual(mounts.below(self.folder), [])
        self.assert_store_sound()
        self.assertIn('must be "stop" or "shell"', self.run_build(FROM, "--on-failure", "panic").err)


if __name__ == "__main__":
    unittest.main()
