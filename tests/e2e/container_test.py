"""Containers from their creation to their removal: in the foreground, detached, ended by all kinds of signals."""
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import time
import unittest

from tests.support import processes, rootfs
from tests.support.case import PATIENCE, StoreCase

IMAGE = "busybox:test"
UNTIL_GO = "while [ ! -e /go ]; do sleep 0.02; done"  # in a script: until let_go()


class ContainerCase(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.engine("import", rootfs.busybox(self.path("base.tar")), IMAGE)
        self.caches = self.store().cache_ids()
        self.addCleanup(self.remove_all)

    def remove_all(self):
        names = self.engine.run("ps", "-aq").out.split()
        if names:
            self.engine.run("rm", "-f", *names)

    def run_in(self, *arguments, **options):
        return self.engine.run("run", "--rm", "--network", "none", *arguments, **options)

    def detached(self, *arguments):
        return self.engine("run", "-d", "--network", "none", *arguments)

    def config(self, container):
        with open(self.path("store/containers", container, "config.v2.json")) as file:
            return json.load(file)

    def state(self, container):
        return self.config(container)["State"]

    def group(self, container, controller, v1, v2):
        """What a file of the container's control group holds; None without that controller."""
        for path in (f"/sys/fs/cgroup/{controller}/{container}/{v1}", *self.v2_groups(container, v2)):
            if os.path.exists(path):
                with open(path) as file:
                    return file.read().strip()
        return None

    def v2_groups(self, container, name):
        with open(f"/proc/{self.state(container)['Pid']}/cgroup") as file:
            return [f"/sys/fs/cgroup{line[3:].strip()}/{name}" for line in file if line.startswith("0::")]

    def logs(self, name):
        done = self.engine.run("logs", name)
        return done.out, done.err

    def wait_until_running(self, name):
        self.wait_until(lambda: name in self.engine("ps", "--format", "{{.Names}}").split(), name)

    def let_go(self, name):
        """Ends UNTIL_GO in that container, which runs."""
        pid = lambda: self.engine("inspect", "-f", "{{.State.Pid}}", name)
        self.wait_until(lambda: pid() != "0", f"the process of {name}")
        open(f"/proc/{pid()}/root/go", "w").close()

    def start_waiting(self, name):
        """A `wait` that is waiting."""
        process = self.engine.popen("wait", name, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.wait_until(lambda: any("[pidfd]" in name or name.startswith("pidfd:") for name in processes.open_files(process.pid)), "wait")
        return process

    def assert_nothing_left(self):
        """No container, no layer of one, no bundle, no lock file."""
        self.assertEqual(self.store().container_ids(), [])
        self.assertEqual(os.listdir(self.path("store/containers")), [])
        self.assertEqual(self.store().cache_ids(), self.caches)
        own = [name for name in os.listdir(self.path("store/strata")) if name.startswith(("run-", "new-"))]
        self.assertEqual(own, [])


class ForegroundTest(ContainerCase):
    def test_output_and_exit_code_are_those_of_the_program(self):
        done = self.run_in(IMAGE, "sh", "-c", "echo out; echo err >&2; exit 7")
        self.assertEqual((done.code, done.out, done.err), (7, "out\n", "err\n"))
        self.assert_nothing_left()
        self.assert_store_sound("store", "--expect-clean")

    def test_a_container_killed_by_a_signal_gives_128_and_its_number(self):
        process = self.engine.popen("run", "--rm", "--network", "none", "--name", "web", IMAGE, "sleep", "1000")
        self.wait_until_running("web")
        self.engine("kill", "web")
        self.assertEqual(process.wait(PATIENCE), 137)
        self.assert_nothing_left()

    def test_environment_directory_user_and_entry_point(self):
        done = self.run_in("-e", "A=1", "-e", "B=x y", "-w", "/made/for/it", "-u", "bob", "--entrypoint", "sh", IMAGE, "-c",
                           'echo "$A $B $PWD $HOME $(id -u):$(id -g) $(id -Gn)"')
        self.assertEqual((done.code, done.out), (0, "1 x y /made/for/it /home/bob 1000:1001 bob staff\n"), done.err)

    def test_standard_input_is_forwarded_only_with_i(self):
        self.assertEqual(self.run_in("-i", IMAGE, "cat", stdin=b"typed\n").out, "typed\n")
        self.assertEqual(self.run_in(IMAGE, "cat", stdin=b"typed\n").out, "")

    def test_much_output_arrives_complete(self):
        done = self.run_in(IMAGE, "sh", "-c", "seq 1 200000; seq 1 1000 >&2")
        self.assertEqual(done.out, "".join(f"{n}\n" for n in range(1, 200001)))
        self.assertEqual(done.err.count("\n"), 1000)

    def test_bind_mounts_are_the_hosts_directories(self):
        folder = self.context({"file": "from the host\n"}, "shared")
        done = self.run_in("-v", f"{folder}:/data", "-v", f"{folder}:/fixed:ro", IMAGE, "sh", "-c",
                           "cat /data/file; echo new > /data/new; echo no > /fixed/no")
        self.assertEqual(done.out, "from the host\n")
        self.assertIn("Read-only file system", done.err)
        self.assertEqual(sorted(os.listdir(folder)), ["file", "new"])

    def test_a_missing_source_of_a_bind_mount_is_made(self):
        source = self.path("made/by/it")
        self.assertEqual(self.run_in("-v", f"{source}:/data", IMAGE, "touch", "/data/x").code, 0)
        self.assertEqual(os.listdir(source), ["x"])

    def test_a_named_volume_is_seeded_from_the_image_and_stays(self):
        self.run_in("-v", "notes:/etc", IMAGE, "sh", "-c", "echo mine > /etc/note")
        self.assertEqual(self.run_in("-v", "notes:/n", IMAGE, "cat", "/n/note").out, "mine\n")
        self.assertIn("passwd", os.listdir(self.path("store/volumes/notes/_data")))

    def test_network_none_has_loopback_alone_and_host_is_the_hosts(self):
        done = self.run_in(IMAGE, "sh", "-c", "ls /sys/class/net; hostname")
        self.assertEqual(done.out.split()[:1], ["lo"])
        self.assertRegex(done.out.split()[-1], "^[0-9a-f]{12}$")
        host = self.engine("run", "--rm", "--network", "host", IMAGE, "sh", "-c", "hostname; ls /sys/class/net")
        self.assertEqual(host.split()[0], socket.gethostname())
        self.assertEqual(sorted(host.split()[1:]), sorted(os.listdir("/sys/class/net")))

    def test_programs_that_cannot_run_give_127_and_126_with_dockers_text(self):
        for program, code, why in (("nosuch", 127, "executable file not found in $PATH"),
                                   ("/nosuch", 127, "stat /nosuch: no such file or directory"),
                                   ("/etc/passwd", 126, "permission denied")):
            done = self.run_in(IMAGE, program)
            self.assertEqual((done.code, done.out), (code, ""), done)
            self.assertEqual(done.err, "strata: Error response from daemon: failed to create shim task: OCI runtime create "
                             "failed: runc create failed: unable to start container process: "
                             f'exec: "{program}": {why}: unknown.\n')
        self.assert_nothing_left()

    def test_refused_before_creation(self):
        for arguments, text in ((["-u", "nosuch", IMAGE, "true"],
                                 "unable to find user nosuch: no matching entries in passwd file."),
                                (["--name", "-x", IMAGE, "true"], "Invalid container name (-x)")):
            done = self.run_in(*arguments)
            self.assertEqual(done.code, 125, done)
            self.assertIn("strata: Error response from daemon: ", done.err)
            self.assertIn(text, done.err)
        self.assert_nothing_left()

    def test_a_missing_image_is_named(self):
        done = self.run_in("nosuch:1", "true")
        self.assertEqual(done.code, 125)
        self.assertIn("Unable to find image 'nosuch:1' locally\n", done.err)
        self.assertIn("See 'strata run --help'.", done.err)

    def test_the_record_says_how_it_ended_and_the_log_has_it_all(self):
        self.assertEqual(self.engine.run("run", "--name", "web", "--network", "none", IMAGE, "sh", "-c",
                                         "echo one; echo two >&2; exit 3").code, 3)
        container = self.engine("ps", "-aq", "--no-trunc")
        state = self.state(container)
        self.assertEqual((state["Running"], state["Pid"], state["ExitCode"]), (False, 0, 3))
        self.assertLessEqual(state["StartedAt"][:19], state["FinishedAt"][:19])
        self.assertGreater(state["StartedAt"], "2020")
        self.assertTrue(self.config(container)["HasBeenStartedBefore"])
        log = self.path("store/containers", container, f"{container}-json.log")
        self.assertEqual(os.stat(log).st_mode & 0o7777, 0o640)
        with open(log) as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual(sorted((line["log"], line["stream"]) for line in lines),
                         [("one\n", "stdout"), ("two\n", "stderr")])
        logs = self.engine.run("logs", "web")
        self.assertEqual((logs.out, logs.err), ("one\n", "two\n"))
        self.engine("rm", "web")
        self.assert_nothing_left()

    def test_signals_go_to_the_container(self):
        for number, name in ((signal.SIGINT, "INT"), (signal.SIGTERM, "TERM"), (signal.SIGHUP, "HUP"),
                             (signal.SIGUSR1, "USR1")):
            with self.subTest(signal=name):
                process = self.engine.popen("run", "--rm", "--network", "none", "--name", "s" + name, IMAGE, "sh", "-c",
                                            f"trap 'echo got {name}; exit 9' {name}; echo ready; while :; do sleep 0.05; done",
                                            stdout=subprocess.PIPE)
                self.assertEqual(process.stdout.readline(), b"ready\n")
                self.wait_until_running("s" + name)
                process.send_signal(number)
                out, _ = process.communicate(timeout=PATIENCE)
                self.assertEqual((process.returncode, out), (9, f"got {name}\n".encode()))
        self.assert_nothing_left()

    def test_a_killed_strata_takes_its_container_along(self):
        seconds = f"1000.{os.getpid()}"
        process = self.engine.popen("run", "--network", "none", "--name", "doomed", IMAGE, "sleep", seconds,
                                    stdout=subprocess.DEVNULL)
        self.wait_until_running("doomed")
        process.kill()
        process.wait()
        self.wait_until(lambda: not processes.naming("sleep\0" + seconds), "the end of the container")
        # A process that ends has no command line any more for a moment before it is gone.
        self.wait_until(lambda: self.engine("ps", "-q") == "", "an empty list")
        self.assertEqual(self.engine("wait", "doomed"), "137")
        self.assertFalse(self.state(self.engine("ps", "-aq", "--no-trunc"))["Running"])
        self.engine("rm", "doomed")
        self.assert_nothing_left()

    def test_a_terminal(self):
        parent, child = pty.openpty()
        process = self.engine.popen("run", "--rm", "-it", "--network", "none", IMAGE, "sh", "-c",
                                    "test -t 0 && test -t 1 && echo terminal; read line; echo got $line; stty size; exit 4",
                                    stdin=child, stdout=child, stderr=child)
        os.close(child)
        text, sent = b"", False
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            ready, _, _ = select.select([parent], [], [], 1)
            try:
                text += os.read(parent, 4096) if ready else b""
            except OSError:
                break
            if b"terminal" in text and not sent:
                os.write(parent, b"typed\r")
                sent = True
        self.assertEqual(process.wait(PATIENCE), 4)
        os.close(parent)
        self.assertIn(b"got typed\r\n", text)
        self.assert_nothing_left()

    def test_i_and_t_need_a_terminal(self):
        done = self.run_in("-it", IMAGE, "true")
        self.assertEqual((done.code, done.err), (1, "the input device is not a TTY\n"))


class DetachedTest(ContainerCase):
    def test_run_prints_the_id_and_the_container_goes_on(self):
        container = self.detached("--name", "web", IMAGE, "sh", "-c", "echo up; echo bad >&2; exec sleep 1000")
        self.assertRegex(container, "^[0-9a-f]{64}$")
        self.assertEqual(self.engine("ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}"), f"{container} web")
        state = self.state(container)
        self.assertTrue(state["Running"])
        os.kill(state["Pid"], 0)
        self.wait_until(lambda: self.logs("web") == ("up\n", "bad\n"), "both lines")
        refused = self.engine.run("rm", "web")
        self.assertEqual(refused.code, 1)
        self.assertIn(f"You cannot remove a running container {container}. Stop the container before attempting removal "
                      "or force remove", refused.err)
        self.assertEqual(self.engine("stop", "-t", "0", "web"), "web")
        state = self.state(container)
        self.assertEqual((state["Running"], state["Pid"], state["ExitCode"]), (False, 0, 137))
        logs = self.engine.run("logs", "web")
        self.assertEqual((logs.out, logs.err), ("up\n", "bad\n"))
        self.engine("rm", "web")
        self.assert_nothing_left()

    def test_stop_gives_it_time_to_end_by_itself(self):
        self.detached("--name", "web", IMAGE, "sh", "-c", "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.05; done")
        self.wait_until(lambda: "ready" in self.engine("logs", "web"), "its word")
        self.engine("stop", "web")
        self.assertEqual(self.engine("wait", "web"), "5")
        self.assertEqual(self.engine("logs", "web"), "ready\nbye")
        self.assertEqual(self.engine("stop", "web"), "web", "stopping it again is no error")

    def test_the_stop_signal_of_the_container_is_sent(self):
        self.detached("--name", "web", "--stop-signal", "USR1", IMAGE, "sh", "-c",
                      "trap 'exit 6' USR1; echo ready; while :; do sleep 0.05; done")
        self.wait_until(lambda: "ready" in self.engine("logs", "web"), "its word")
        self.engine("stop", "web")
        self.assertEqual(self.engine("wait", "web"), "6")

    def test_kill_sends_any_signal(self):
        self.detached("--name", "web", IMAGE, "sh", "-c", "trap 'echo usr1' USR1; echo ready; while :; do sleep 0.05; done")
        self.wait_until(lambda: "ready" in self.engine("logs", "web"), "its word")
        self.assertEqual(self.engine("kill", "-s", "SIGUSR1", "web"), "web")
        self.wait_until(lambda: "usr1" in self.engine("logs", "web"), "the signal")
        self.engine("kill", "web")
        self.assertEqual(self.engine("wait", "web"), "137")
        container = self.engine("ps", "-aq", "--no-trunc")
        refused = self.engine.run("kill", "web")
        self.assertEqual((refused.code, refused.err),
                         (1, f"Error response from daemon: Cannot kill container: web: Container {container} is not running\n"))
        self.assertEqual(self.engine.run("kill", "-s", "FOO", "web").err,
                         "Error response from daemon: Invalid signal: FOO\n")

    def test_wait_gives_the_exit_code_of_one_that_removes_itself(self):
        container = self.detached("--rm", IMAGE, "sh", "-c", UNTIL_GO + "; exit 12")
        waiting = self.start_waiting(container)
        self.let_go(container)
        self.assertEqual(waiting.communicate(timeout=PATIENCE)[0], b"12\n")
        self.wait_until(lambda: not self.store().container_ids(), "its removal")
        self.wait_until(lambda: not processes.naming(container), "the end of conmon")
        self.assert_nothing_left()

    def test_wait_of_a_container_in_the_foreground(self):
        process = self.engine.popen("run", "--network", "none", "--name", "front", IMAGE, "sh", "-c", UNTIL_GO + "; exit 8")
        self.wait_until_running("front")
        waiting = self.start_waiting("front")
        self.let_go("front")
        self.assertEqual(waiting.communicate(timeout=PATIENCE)[0], b"8\n")
        self.assertEqual(process.wait(PATIENCE), 8)

    def test_logs_can_be_cut_and_followed(self):
        self.detached("--name", "web", IMAGE, "sh", "-c", f"echo 1; echo 2; echo 3; {UNTIL_GO}; echo 4; sleep 0.3; echo 5")
        follower = self.engine.popen("logs", "-f", "web", stdout=subprocess.PIPE, text=True)
        self.assertEqual([follower.stdout.readline() for _ in range(3)], ["1\n", "2\n", "3\n"])
        self.let_go("web")
        self.assertEqual(follower.communicate(timeout=PATIENCE)[0], "4\n5\n")
        self.assertEqual(self.engine("wait", "web"), "0")
        self.assertEqual(self.engine("logs", "--tail", "2", "web"), "4\n5")
        self.assertEqual(self.engine("logs", "-n", "0", "web"), "")
        stamped = self.engine("logs", "-t", "web").splitlines()
        self.assertRegex(stamped[3], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 4$")
        self.assertEqual(self.engine("logs", "--since", stamped[3].split()[0], "web"), "4\n5")
        self.assertEqual(self.engine("logs", "--until", stamped[2].split()[0], "web"), "1\n2\n3")
        self.assertEqual(self.engine("logs", "--since", "10m", "web"), "1\n2\n3\n4\n5")
        self.assertEqual(self.engine.run("logs", "--since", "soon", "web").code, 1)

    def test_start_again_keeps_the_files_and_the_log(self):
        self.engine("create", "--name", "web", "--network", "none", IMAGE, "sh", "-c", "echo run >> /count; cat /count; exit 2")
        self.assertEqual(self.engine("wait", "web"), "0", "one that never ran is not running")
        self.assertEqual(self.engine("start", "web"), "web")
        self.assertEqual(self.engine("wait", "web"), "2")
        attached = self.engine.run("start", "-a", "web")
        self.assertEqual((attached.code, attached.out), (2, "run\nrun\n"))
        self.assertEqual(self.engine("logs", "web"), "run\nrun\nrun")

    def test_starting_a_running_container_is_no_error(self):
        container = self.detached("--name", "web", IMAGE, "sleep", "1000")
        pid = self.state(container)["Pid"]
        self.assertEqual(self.engine("start", "web"), "web")
        self.assertEqual(self.state(container)["Pid"], pid)

    def test_a_program_that_does_not_exist(self):
        done = self.engine.run("run", "-d", "--name", "web", "--network", "none", IMAGE, "nosuch")
        self.assertEqual(done.code, 127, done)
        self.assertIn('exec: "nosuch": executable file not found in $PATH: unknown.', done.err)
        state = self.state(done.out.strip())
        self.assertEqual((state["Running"], state["ExitCode"]), (False, 127))
        self.assertIn("executable file not found", state["Error"])
        again = self.engine.run("start", "web")
        self.assertEqual(again.code, 1)
        self.assertTrue(again.err.endswith("Error: failed to start containers: web\n"), again.err)
        self.engine("rm", "web")
        self.assert_nothing_left()

    def test_force_remove_kills_it(self):
        container = self.detached("--name", "web", IMAGE, "sleep", "1000")
        self.engine("rm", "-f", "web")
        self.wait_until(lambda: not processes.naming(container), "the end of conmon")
        self.assert_nothing_left()

    def test_a_container_whose_conmon_was_killed_is_found_to_have_ended(self):
        container = self.detached("--name", "web", IMAGE, "sh", "-c", "echo said; exec sleep 1000.75")
        self.wait_until(lambda: "said" in self.engine("logs", "web"), "its word")
        for pid in processes.naming(f"--cid\0{container}") or processes.naming(container):
            os.kill(pid, signal.SIGKILL)
        os.kill(self.state(container)["Pid"], signal.SIGKILL)
        self.assertEqual(self.engine("wait", "web"), "137")
        self.assertEqual(self.engine("logs", "web"), "said")
        self.engine("rm", "web")
        self.assert_nothing_left()

    def test_a_detached_terminal(self):
        self.detached("-t", "--name", "web", IMAGE, "sh", "-c", "test -t 1 && echo terminal")
        self.assertEqual(self.engine("wait", "web"), "0")
        self.assertEqual(self.engine("logs", "web"), "terminal\r")

    def test_unknown_containers(self):
        for words, text in ((["start"], "Error response from daemon: No such container: nosuch\n"
                             "Error: failed to start containers: nosuch\n"),
                            (["start", "-a"], "Error: No such container: nosuch\n"),
                            (["stop"], "Error response from daemon: No such container: nosuch\n"),
                            (["kill"], "Error response from daemon: Cannot kill container: nosuch: No such container: nosuch\n"),
                            (["wait"], "Error response from daemon: No such container: nosuch\n"),
                            (["logs"], "Error: No such container: nosuch\n")):
            done = self.engine.run(*words, "nosuch")
            self.assertEqual((done.code, done.out, done.err), (1, "", text))


class LayerTest(ContainerCase):
    def test_changes_are_shown_committed_and_removed_with_the_container(self):
        done = self.engine.run("run", "--name", "web", "--network", "none", "-e", "A=1", IMAGE, "sh", "-c",
                               "echo new > /new; echo more >> /etc/group; rm /bin/vi")
        self.assertEqual(done.code, 0, done)
        self.assertEqual(self.engine("diff", "web").splitlines(), ["C /bin", "D /bin/vi", "C /etc", "C /etc/group", "A /new"])
        image = self.engine("commit", "-m", "changed", "web", "changed:1")
        self.assertRegex(image, "^sha256:[0-9a-f]{64}$")
        again = self.engine("run", "--rm", "--network", "none", "changed:1", "sh", "-c",
                            "cat /new; tail -n 1 /etc/group; ls /bin/vi 2>&1; echo $A")
        self.assertEqual(again.splitlines(), ["new", "more", "ls: /bin/vi: No such file or directory", "1"])
        self.engine("rm", "web")
        self.assertEqual(self.store().container_ids(), [])
        self.assert_store_sound("store", "--expect-clean")

    def test_rm_v_removes_anonymous_volumes(self):
        self.assertEqual(self.engine.run("run", "--name", "web", "--network", "none", "-v", "/data", IMAGE, "touch", "/data/x").code, 0)
        volumes = lambda: [name for name in os.listdir(self.path("store/volumes")) if re.fullmatch("[0-9a-f]{64}", name)]
        self.assertEqual(len(volumes()), 1)
        self.engine("rm", "-v", "web")
        self.assertEqual(volumes(), [])


if __name__ == "__main__":
    unittest.main()
