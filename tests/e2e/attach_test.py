"""`attach`, `port`: a container in the background, seen and spoken to by those who come later."""
import json
import os
import pty
import select
import signal
import subprocess
import time
import unittest

from tests.e2e.container_test import IMAGE, ContainerCase
from tests.support.case import PATIENCE

ECHO = ("sh", "-c", 'while read -r line; do echo "got $line"; echo "bad $line" >&2; [ "$line" = end ] && exit 7; done')


class Attach(ContainerCase):
    def attach(self, *arguments, **options):
        process = self.engine.popen("attach", *arguments, **({"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options))
        self.addCleanup(self.close, process)
        return process

    @staticmethod
    def close(process):
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()

    def test_two_who_look_see_the_same_and_have_its_exit_code(self):
        self.detached("-i", "--name", "web", IMAGE, *ECHO)
        one, two = self.attach("web"), self.attach("--no-stdin", "web")

        def say(line):
            one.stdin.write(line)
            one.stdin.flush()
            self.assertEqual(one.stdout.readline(), b"got " + line)
            self.assertEqual(one.stderr.readline(), b"bad " + line)

        deadline = time.monotonic() + PATIENCE
        while not select.select([two.stdout], [], [], 0.1)[0]:  # until the other one is there, too
            self.assertLess(time.monotonic(), deadline)
            say(b"a\n")
        say(b"end\n")
        self.assertEqual(one.wait(PATIENCE), 7)
        self.assertEqual(two.wait(PATIENCE), 7)
        self.assertIn("got end\n", two.stdout.read().decode())
        self.assertTrue(self.engine("logs", "web").endswith("got a\ngot end"))

    def test_stdin_that_ends_leaves_the_container_as_it_is(self):
        self.detached("-i", "--name", "web", IMAGE, *ECHO)
        first = self.attach("web")
        first.stdin.write(b"one\n")
        first.stdin.close()
        first.stdin = None
        self.assertEqual(first.stdout.readline(), b"got one\n")
        second = self.attach("web")
        second.stdin.write(b"end\n")
        second.stdin.flush()
        self.assertEqual((first.wait(PATIENCE), second.wait(PATIENCE)), (7, 7))

    def test_signals_go_to_the_container(self):
        self.detached("--name", "web", IMAGE, "sh", "-c", "trap 'echo usr1' USR1; trap 'exit 3' TERM; while :; do echo ready; sleep 0.1; done")
        process = self.attach("web")
        self.assertEqual(process.stdout.readline(), b"ready\n")
        process.send_signal(signal.SIGUSR1)
        while process.stdout.readline() != b"usr1\n":
            pass
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), 3)

    def test_without_proxy_a_signal_ends_only_the_looking(self):
        self.detached("--name", "web", IMAGE, "sh", "-c", "while :; do echo ready; sleep 0.1; done")
        process = self.attach("--sig-proxy=false", "web")
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        self.assertNotEqual(process.wait(PATIENCE), 0)
        self.assertEqual(self.engine("ps", "--format", "{{.Names}}"), "web")

    def test_a_terminal_with_its_size_and_the_keys(self):
        self.detached("-it", "--name", "web", IMAGE, "sh")
        parent, child = pty.openpty()
        self.addCleanup(os.close, parent)
        subprocess.run(["stty", "rows", "33", "cols", "77"], stdin=child, check=True)
        before = subprocess.run(["stty", "-g"], stdin=child, check=True, stdout=subprocess.PIPE).stdout
        process = self.attach("web", stdin=child, stdout=child, stderr=subprocess.PIPE)
        os.write(parent, b"until stty size | grep '33 7''7'; do sleep 0.02; done; echo a\x10b\n")  # ctrl-p alone goes on to the shell
        self.read_until(parent, b"33 77")
        os.write(parent, b"\x10\x11")
        self.assertEqual(process.stderr.read(), b"read escape sequence\n")
        self.assertEqual(process.wait(PATIENCE), 1)
        self.assertEqual(subprocess.run(["stty", "-g"], stdin=child, check=True, stdout=subprocess.PIPE).stdout, before)
        os.close(child)
        self.assertEqual(self.engine("ps", "--format", "{{.Names}}"), "web")

    def test_keys_of_ones_own(self):
        self.detached("-it", "--name", "web", IMAGE, "cat")
        parent, child = pty.openpty()
        self.addCleanup(os.close, parent)
        process = self.attach("--detach-keys", "ctrl-x,q", "web", stdin=child, stdout=child, stderr=subprocess.PIPE)
        os.close(child)
        os.write(parent, b"seen\n")
        self.read_until(parent, b"seen")
        os.write(parent, b"\x18q")
        self.assertEqual(process.wait(PATIENCE), 1)

    def read_until(self, fd, text):
        seen, deadline = b"", time.monotonic() + PATIENCE
        while text not in seen:
            ready, _, _ = select.select([fd], [], [], max(0, deadline - time.monotonic()))
            self.assertTrue(ready, seen)
            seen += os.read(fd, 4096)

    def refused(self, *arguments, **options):
        done = self.engine.run("attach", *arguments, **options)
        self.assertEqual((done.code, done.out), (1, ""))
        return done.err

    def test_what_cannot_be_attached_to(self):
        self.engine("create", "--name", "made", "--network", "none", IMAGE, "true")
        self.assertEqual(self.refused("made"), "You cannot attach to a stopped container, start it first\n")
        self.assertEqual(self.refused("nosuch"), "Error: No such container: nosuch\n")
        self.assertIn("invalid detach keys (ctrl-1)", self.refused("--detach-keys", "ctrl-1", "made"))
        self.detached("-it", "--name", "terminal", IMAGE, "cat")
        self.assertEqual(self.refused("terminal"), "the input device is not a TTY\n")
        front = self.engine.popen("run", "--name", "front", "--network", "none", IMAGE, "sleep", "1000", stdin=subprocess.DEVNULL)
        self.addCleanup(front.wait)
        self.wait_until_running("front")
        self.assertIn("runs in the foreground of another process: see its output with logs -f", self.refused("front"))
        self.engine("kill", "front")

    def test_ports_that_a_dockerd_published(self):
        name = self.engine("create", "--name", "made", "--network", "none", IMAGE, "true")
        self.assertEqual(self.engine("port", "made"), "")
        done = self.engine.run("port", "made", "80")
        self.assertEqual((done.code, done.err), (1, "Error: No public port '80/tcp' published for made\n"))
        config = self.config(name)
        config["NetworkSettings"]["Ports"] = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "53/udp": None}
        with open(self.path("store/containers", name, "config.v2.json"), "w") as file:
            json.dump(config, file)
        self.assertEqual(self.engine("port", "made"), "80/tcp -> 0.0.0.0:8080")
        self.assertEqual(self.engine("port", "made", "80"), "0.0.0.0:8080")
        self.assertIn("No public port '53/udp'", self.engine.run("port", "made", "53/udp").err)
        self.assertEqual(self.engine.run("port", "nosuch").err, "Error: No such container: nosuch\n")


if __name__ == "__main__":
    unittest.main()
