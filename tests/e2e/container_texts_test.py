"""Containers as the command line shows them: texts, tables and exit statuses, each of which was seen on docker 20.10.24."""
import json
import os
import pty
import select
import signal
import subprocess
import time
import unittest

from tests.support import rootfs, sample
from tests.support.case import PATIENCE, StoreCase

NONE = ("--network", "none")
UNTIL_GO = "while [ ! -e /go ]; do sleep 0.02; done"  # in a script: until let_go()
DAEMON = "Error response from daemon: "


class ContainerCase(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)
        self.addCleanup(self.remove_all)

    def remove_all(self):
        for container in self.engine("ps", "-aq").split():
            self.engine.run("rm", "-f", "-v", container)

    def run_here(self, *arguments, flags=(), **options):
        """`run` with no network; the result, whatever it is."""
        return self.engine.run("run", *NONE, *flags, sample.BASE, *arguments, **options)

    def sh(self, script, *flags):
        """The output of a shell script in a container that is removed."""
        return self.engine("run", "--rm", *NONE, *flags, sample.BASE, "sh", "-c", script)

    def create(self, name, *command, flags=()):
        return self.engine("create", "--name", name, *NONE, *flags, sample.BASE, *command)

    def inspect(self, name):
        return json.loads(self.engine("container", "inspect", name))[0]

    def state(self, name):
        return self.inspect(name)["State"]

    def let_go(self, name):
        """Ends UNTIL_GO in that container, which runs."""
        open(f"/proc/{self.state(name)['Pid']}/root/go", "w").close()


class ForegroundTest(ContainerCase):
    def test_output_and_exit_status_are_the_program_s(self):
        result = self.run_here("sh", "-c", "echo out; echo err >&2; exit 3", flags=("--name", "three"))
        self.assertEqual((result.code, result.out, result.err), (3, "out\n", "err\n"))
        state = self.state("three")
        self.assertEqual((state["Status"], state["ExitCode"], state["Running"], state["Pid"]), ("exited", 3, False, 0))
        self.assertGreater(state["FinishedAt"], state["StartedAt"])
        for code in (0, 1, 255):
            self.assertEqual(self.run_here("sh", "-c", f"exit {code}", flags=("--rm",)).code, code)
        self.assertEqual(self.run_here("sh", "-c", "sh -c 'kill -9 $$'; exit $?", flags=("--rm",)).code, 137)

    def test_a_program_that_cannot_be_run(self):
        for program, code, message in (
                ("/nope", 127, 'exec: "/nope": stat /nope: no such file or directory: unknown'),
                ("nope", 127, 'exec: "nope": executable file not found in $PATH: unknown'),
                ("/etc/passwd", 126, 'exec: "/etc/passwd": permission denied: unknown')):
            with self.subTest(program):
                result = self.run_here(program)
                self.assertEqual(result.code, code, result)
                self.assertIn(message, result.err)
                self.assertEqual(result.out, "")
                state = self.state(self.engine("ps", "-lq"))
                self.assertEqual((state["Status"], state["ExitCode"]), ("created", code))

    def test_what_cannot_be_started_is_125(self):
        for flags, message in ((("-u", "nosuch"), "unable to find user nosuch: no matching entries in passwd file"),
                               (("-w", "/etc/passwd"), "Cannot mkdir: /etc/passwd is not a directory"),
                               (("--name", "-x"), "Invalid container name (-x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"),
                               (("-v", "/a:rel"), "invalid mount path: 'rel' mount path must be absolute"),
                               (("-v", "rel/a:/x"), "includes invalid characters for a local volume name")):
            with self.subTest(flags):
                result = self.run_here("true", flags=flags)
                self.assertEqual(result.code, 125, result)
                self.assertIn(message, result.err)
        self.create("mine", "true")
        id = self.inspect("mine")["Id"]
        result = self.run_here("true", flags=("--name", "mine"))
        self.assertEqual(result.code, 125)
        self.assertIn(f'Conflict. The container name "/mine" is already in use by container "{id}". You have to remove '
                      "(or rename) that container to be able to reuse that name.", result.err)
        result = self.run_here()
        self.assertEqual(result.code, 125)
        self.assertIn("No command specified", result.err)

    def test_standard_input(self):
        self.assertEqual(self.run_here("cat", stdin=b"some\0bytes", flags=("-i", "--rm")).out, "some\0bytes")
        self.assertEqual(self.run_here("cat", stdin=b"unread", flags=("--rm",)).out, "", "without -i there is none")

    def test_more_output_than_a_pipe_holds(self):
        result = self.run_here("sh", "-c", "yes 0123456789abcdef | head -n 100000", flags=("--name", "much"))
        self.assertEqual(len(result.out), 1_700_000)
        self.assertEqual(self.engine("logs", "much") + "\n", result.out)

    def test_the_reader_goes_away(self):
        process = self.engine.popen("run", "--name", "loud", *NONE, sample.BASE, "sh", "-c",
                                    "for i in $(seq 20000); do echo $i; done; exit 4",
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdout.readline()
        process.stdout.close()
        process.wait(PATIENCE)
        self.wait_until(lambda: self.state("loud")["Status"] == "exited", "the container")

    def test_a_terminal(self):
        script = "tty; until stty size | grep '33 99'; do sleep 0.02; done; read x; echo got $x; exit 5"
        reply, code = self.on_terminal("run", "--rm", "-it", *NONE, sample.BASE, "sh", "-c", script)
        self.assertIn("/dev/pts/0", reply)
        self.assertIn("33 99", reply)
        self.assertIn("got hello", reply)
        self.assertEqual(code, 5)
        result = self.run_here("sh", "-c", "tty; echo x >&2", flags=("--rm", "-t"))
        self.assertEqual((result.out, result.err), ("/dev/pts/0\r\nx\r\n", ""))

    def on_terminal(self, *arguments):
        """Runs a command on a pseudo-terminal of 33 lines, types one line; what it said and its exit status."""
        master, slave = pty.openpty()
        subprocess.run(["stty", "rows", "33", "cols", "99"], stdin=slave, check=True)
        before = subprocess.run(["stty", "-g"], stdin=slave, check=True, stdout=subprocess.PIPE).stdout
        process = self.engine.popen(*arguments, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        said, typed, deadline = b"", False, time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                said += os.read(master, 4096)
            elif process.poll() is not None:
                break
            if not typed and b"33 99" in said:
                os.write(master, b"hello\r")
                typed = True
        code = process.wait(PATIENCE)
        after = subprocess.run(["stty", "-g"], stdin=slave, check=True, stdout=subprocess.PIPE).stdout
        os.close(master)
        os.close(slave)
        self.assertEqual(after, before, "the terminal's mode comes back")
        return said.decode(), code

    def test_what_the_process_finds(self):
        lines = self.sh("id; pwd; hostname; env | sort; cat /proc/self/cgroup >/dev/null; ls -ld /.dockerenv", "-u", "bob", "-w", "/tmp",
                        "-e", "A=b c", "--hostname", "box").splitlines()
        self.assertEqual(lines[:3], ["uid=1000(bob) gid=1001(bob) groups=50(staff),1001(bob)", "/tmp", "box"])
        for variable in ("A=b c", "HOSTNAME=box", "HOME=/home/bob",
                         "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"):
            self.assertIn(variable, lines)
        self.assertRegex(lines[-1], "^-rwxr-xr-x .* /.dockerenv$")

    def test_files_of_the_network(self):
        self.assertEqual(self.sh("cat /etc/hosts"),
                         "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n"
                         "ff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters")
        self.assertRegex(self.sh("cat /etc/hostname"), "^[0-9a-f]{12}$")
        self.assertEqual(self.sh("ls /sys/class/net"), "lo")
        self.assertEqual(self.sh("tail -n 1 /etc/hosts", "--add-host", "db:10.1.2.3"), "10.1.2.3\tdb")
        with open("/etc/hosts") as file:
            hosts = file.read().rstrip("\n")
        self.assertEqual(self.engine("run", "--rm", sample.BASE, "cat", "/etc/hosts"), hosts, "the host's network is the default")

    def test_rights(self):
        self.assertEqual(self.sh("grep CapEff /proc/self/status | cut -f 2"), "00000000a80425fb")
        self.assertEqual(self.sh("grep CapEff /proc/self/status | cut -f 2", "--cap-drop", "ALL"), "0" * 16)
        self.assertEqual(self.sh("grep CapEff /proc/self/status | cut -f 2", "--cap-drop", "ALL", "--cap-add", "CHOWN"), "0" * 15 + "1")
        result = self.run_here("touch", "/x", flags=("--rm", "--read-only"))
        self.assertEqual(result.code, 1)
        self.assertIn("Read-only file system", result.err)

    def test_entrypoint(self):
        self.assertEqual(self.engine("run", "--rm", *NONE, "--entrypoint", "echo", sample.BASE, "a", "b"), "a b")

    def test_killed_with_its_container(self):
        process = self.engine.popen("run", "--name", "orphan", *NONE, sample.BASE, "sleep", "1000", stdout=subprocess.DEVNULL)
        self.wait_until(lambda: "orphan" in self.engine("ps", "--format", "{{.Names}}"), "the container")
        self.wait_until(lambda: self.state("orphan")["Pid"] > 0, "its process")
        pid = self.state("orphan")["Pid"]
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
        self.wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the end of the container")
        self.wait_until(lambda: self.state("orphan")["Status"] == "exited", "the record")
        self.assertEqual(self.engine("ps", "-q"), "")
        self.assertEqual(self.engine("rm", "orphan"), "orphan")
        self.assert_store_sound("store", "--expect-clean")


class DetachedTest(ContainerCase):
    def start(self, name, script, *flags):
        return self.engine("run", "-d", "--name", name, *NONE, *flags, sample.BASE, "sh", "-c", script)

    def test_run_wait_logs(self):
        id = self.start("job", f"echo one; echo two >&2; {UNTIL_GO}; printf three; exit 9")
        self.assertRegex(id, "^[0-9a-f]{64}$")
        self.assertEqual(self.engine("ps", "--format", "{{.Names}} {{.State}}"), "job running")
        self.assertRegex(self.engine("ps", "--format", "{{.Status}}"), "^Up (Less than a second|1 second|[0-9]+ seconds|About a minute)$")
        self.wait_until(lambda: (log := self.engine.run("logs", "job")).out == "one\n" and log.err == "two\n", "both lines")
        self.let_go("job")
        self.assertEqual(self.engine("wait", "job"), "9")
        self.assertEqual(self.state("job")["ExitCode"], 9)
        result = self.engine.run("logs", "job")
        self.assertEqual((result.out, result.err), ("one\nthree", "two\n"))
        with open(self.path("store/containers", id, f"{id}-json.log")) as file:
            records = [json.loads(line) for line in file]
        self.assertEqual([(r["log"], r["stream"]) for r in records], [("one\n", "stdout"), ("two\n", "stderr"), ("three", "stdout")])
        self.assertEqual(os.stat(file.name).st_mode & 0o777, 0o640)
        self.assertEqual(self.engine("wait", "job"), "9", "of one that has ended")
        self.assert_store_sound("store", "--expect-clean")

    def test_logs_of_one_that_runs(self):
        self.start("talker", f"echo first; {UNTIL_GO}; echo second")
        self.wait_until(lambda: "first" in self.engine("logs", "talker"), "output")
        follower = self.engine.popen("logs", "-f", "talker", stdout=subprocess.PIPE, text=True)
        self.assertEqual(follower.stdout.readline(), "first\n")
        self.let_go("talker")
        rest, _ = follower.communicate(timeout=PATIENCE)
        self.assertEqual(rest, "second\n")
        self.assertEqual(follower.returncode, 0)
        self.assertEqual(self.engine("logs", "talker"), "first\nsecond")

    def test_choosing_lines(self):
        self.run_here("sh", "-c", "for i in 1 2 3 4 5; do echo $i; done", flags=("--name", "five"))
        self.assertEqual(self.engine("logs", "--tail", "2", "five"), "4\n5")
        self.assertEqual(self.engine("logs", "--tail", "0", "five"), "")
        self.assertEqual(self.engine("logs", "--tail", "all", "five"), "1\n2\n3\n4\n5")
        self.assertEqual(self.engine("logs", "--since", "1h", "five"), "1\n2\n3\n4\n5")
        self.assertEqual(self.engine("logs", "--until", "1h", "five"), "")
        self.assertEqual(self.engine("logs", "--since", "2100-01-01T00:00:00Z", "five"), "")
        self.assertRegex(self.engine("logs", "-t", "--tail", "1", "five"), r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 5$")

    def test_stop(self):
        self.start("polite", "trap 'exit 8' TERM; echo ready; while :; do sleep 0.02; done")
        self.wait_until(lambda: "ready" in self.engine("logs", "polite"), "its word")
        self.assertEqual(self.engine("stop", "polite"), "polite")
        state = self.state("polite")
        self.assertEqual((state["Status"], state["ExitCode"]), ("exited", 8))
        self.assertEqual(self.engine("stop", "polite"), "polite", "stopping what does not run is no error")

    def test_stop_signal(self):
        self.start("usr1", "trap 'exit 6' USR1; trap '' TERM; echo ready; while :; do sleep 0.02; done", "--stop-signal", "SIGUSR1")
        self.wait_until(lambda: "ready" in self.engine("logs", "usr1"), "its word")
        self.engine("stop", "-t", "60", "usr1")
        self.assertEqual(self.state("usr1")["ExitCode"], 6)

    def test_kill(self):
        id = self.start("victim", "trap 'exit 7' HUP; echo ready; while :; do sleep 0.02; done")
        self.wait_until(lambda: "ready" in self.engine("logs", "victim"), "its word")
        result = self.engine.run("kill", "-s", "FOO", "victim")
        self.assertEqual((result.code, result.err), (1, DAEMON + "Invalid signal: FOO\n"))
        self.assertEqual(self.engine("kill", "-s", "HUP", "victim"), "victim")
        self.assertEqual(self.engine("wait", "victim"), "7")
        result = self.engine.run("kill", "victim")
        self.assertEqual((result.code, result.err), (1, DAEMON + f"Cannot kill container: victim: Container {id} is not running\n"))

    def test_rm(self):
        id = self.start("busy", "sleep 1000")
        result = self.engine.run("rm", "busy")
        self.assertEqual((result.code, result.err), (1, DAEMON + f"You cannot remove a running container {id}. "
                                                     "Stop the container before attempting removal or force remove\n"))
        self.assertEqual(self.engine("rm", "-f", "busy"), "busy")
        self.assertEqual(self.store().container_ids(), [])
        self.assertEqual(os.listdir(self.path("store/containers")), [])
        self.assert_store_sound("store", "--expect-clean")

    def test_removed_at_the_end(self):
        self.start("brief", "sleep 0.3", "--rm")
        self.wait_until(lambda: self.engine("ps", "-aq") == "" and self.store().container_ids() == [], "the removal")
        self.assert_store_sound("store", "--expect-clean")

    def test_a_program_that_cannot_be_run(self):
        result = self.engine.run("run", "-d", "--name", "no", *NONE, sample.BASE, "/nope")
        self.assertEqual(result.code, 127, result)
        self.assertIn('exec: "/nope": stat /nope: no such file or directory: unknown', result.err)
        self.assertEqual(self.state("no")["Status"], "created")

    def test_start_again(self):
        self.create("twice", "sh", "-c", "echo run >> /count; wc -l < /count")
        self.assertEqual(self.engine("start", "-a", "twice"), "1")
        self.assertEqual(self.engine("start", "twice"), "twice")
        self.assertEqual(self.engine("wait", "twice"), "0")
        self.assertEqual(self.engine("logs", "twice"), "1\n2")
        result = self.engine.run("start", "twice", "nope")
        self.assertEqual(result.code, 1)
        self.assertEqual(result.out, "twice\n")
        self.assertEqual(result.err, DAEMON + "No such container: nope\nError: failed to start containers: nope\n")
        self.engine("wait", "twice")


class LayersTest(ContainerCase):
    SCRIPT = ("echo hi > /f; mkdir /d; touch /d/y; echo x >> /etc/passwd; rm /bin/zcat; rmdir /var; chmod 700 /tmp; touch /bin; "
              "rm -r /home; mkdir /home; touch /home/new")
    CHANGES = ["A /d", "A /d/y", "A /f", "A /home/new", "C /bin", "C /etc", "C /etc/passwd", "C /home", "C /tmp", "D /bin/zcat",
               "D /home/bob", "D /var"]

    def test_diff(self):
        self.run_here("sh", "-c", self.SCRIPT, flags=("--name", "writer"))
        self.assertEqual(sorted(self.engine("diff", "writer").splitlines()), self.CHANGES)
        self.create("fresh", "true")
        self.assertEqual(self.engine("diff", "fresh"), "")
        self.run_here("true", flags=("--name", "idle"))
        self.assertEqual(self.engine("diff", "idle"), "", "hosts, hostname and resolv.conf leave nothing")

    def test_the_image_stays(self):
        store = self.store()
        before = {layer.chain_id: open_tree(layer.diff) for layer in store.layers(store.tags()[sample.BASE])}
        self.run_here("sh", "-c", self.SCRIPT, flags=("--name", "writer"))
        self.assertEqual(before, {layer.chain_id: open_tree(layer.diff) for layer in store.layers(store.tags()[sample.BASE])})
        self.assertTrue(os.path.exists(os.path.join(store.upper(store.container_ids()[0]), "f")))
        self.engine("rm", "writer")
        self.assertEqual(len(store.cache_ids()), 1)
        self.assert_store_sound("store", "--expect-clean")

    def test_commit(self):
        self.run_here("sh", "-c", self.SCRIPT, flags=("--name", "writer", "-l", "k=v"))
        id = self.engine("commit", "-a", "me", "-m", "the msg", "-c", 'CMD ["cat","/f"]', "-c", "ENV X=1", "-c", "LABEL a=b", "writer", "my:1")
        self.assertRegex(id, "^sha256:[0-9a-f]{64}$")
        self.assertEqual(self.engine("run", "--rm", *NONE, "my:1"), "hi")
        config = self.store().config(id.removeprefix("sha256:"))
        self.assertEqual(list(config), sorted(config))
        self.assertEqual((config["author"], config["config"]["Cmd"], config["config"]["Env"]), ("me", ["cat", "/f"], ["X=1"]))
        self.assertEqual(config["config"]["Labels"], {"a": "b", "k": "v"})
        self.assertEqual(config["container"], self.inspect("writer")["Id"])
        entry = config["history"][-1]
        self.assertEqual((entry["author"], entry["comment"], entry["created_by"]), ("me", "the msg", "sh -c " + self.SCRIPT))
        self.assertEqual(len(config["rootfs"]["diff_ids"]), 2)
        self.assertEqual(self.store().parent_image(id.removeprefix("sha256:")), self.store().tags()[sample.BASE])
        self.assertEqual(sorted(self.engine("diff", "writer").splitlines()), self.CHANGES)
        self.assert_store_sound("store", "--expect-clean")

    def test_commit_of_nothing_has_no_layer(self):
        self.create("fresh", "true")
        image = self.engine("commit", "fresh").removeprefix("sha256:")
        config = self.store().config(image)
        self.assertEqual(len(config["rootfs"]["diff_ids"]), 1)
        self.assertTrue(config["history"][-1]["empty_layer"])
        for change, message in (("FOO x", "foo is not a valid change command"), ("RUN x", "run is not a valid change command")):
            result = self.engine.run("commit", "-c", change, "fresh")
            self.assertEqual((result.code, result.err), (1, DAEMON + message + "\n"))

    def test_commit_of_one_that_runs(self):
        self.engine("run", "-d", "--name", "live", *NONE, sample.BASE, "sh", "-c", "echo a > /a; sleep 1000")
        self.wait_until(lambda: "A /a" in self.engine("diff", "live"), "the file")
        self.engine("commit", "live", "live:1")
        self.assertEqual(self.engine("run", "--rm", *NONE, "live:1", "cat", "/a"), "a")
        self.assertEqual(self.state("live")["Status"], "running")


class VolumesTest(ContainerCase):
    def test_bind(self):
        os.mkdir(self.path("host"))
        with open(self.path("host/in"), "w") as file:
            file.write("from outside")
        self.assertEqual(self.sh("cat /m/in; echo made > /m/out", "-v", self.path("host") + ":/m"), "from outside")
        with open(self.path("host/out")) as file:
            self.assertEqual(file.read(), "made\n")
        result = self.run_here("touch", "/m/x", flags=("--rm", "-v", self.path("host") + ":/m:ro"))
        self.assertEqual(result.code, 1)
        self.assertIn("Read-only file system", result.err)
        self.assertEqual(self.sh("ls -d /m", "-v", self.path("new/host") + ":/m"), "/m")
        self.assertTrue(os.path.isdir(self.path("new/host")), "docker makes the host's side")

    def test_named(self):
        self.sh("echo kept > /v/file", "-v", "vol2:/v")
        self.assertEqual(self.sh("cat /v/file", "-v", "vol2:/v"), "kept")
        self.assertEqual(sorted(os.listdir(self.path("store/volumes/vol2"))), ["_data"])
        self.assertEqual(self.sh("ls /home", "-v", "seeded:/home"), "bob", "a new volume begins with what the image has there")

    def test_anonymous_ones_go_with_rm_v(self):
        self.run_here("touch", "/x/y", flags=("--name", "holder", "-v", "/x"))
        volumes = [name for name in os.listdir(self.path("store/volumes")) if len(name) == 64]
        self.assertEqual(len(volumes), 1)
        self.assertEqual(os.listdir(self.path("store/volumes", volumes[0], "_data")), ["y"])
        self.engine("rm", "-v", "holder")
        self.assertFalse(os.path.exists(self.path("store/volumes", volumes[0])))
        self.run_here("true", flags=("--rm", "-v", "/x"))
        self.assertEqual([name for name in os.listdir(self.path("store/volumes")) if len(name) == 64], [])


class ListingTest(ContainerCase):
    def test_ps(self):
        self.create("made", "sh", "-c", "echo 'a b' > /long/file/name")
        self.run_here("sh", "-c", "exit 3", flags=("--name", "ended", "-l", "k=v"))
        heading, *rows = self.engine("ps", "-a").splitlines()
        self.assertEqual(heading.split(), ["CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"])
        self.assertRegex(rows[0], r'^[0-9a-f]{12}   \S+ +"sh -c \'exit 3\'" +.* ago +Exited \(3\) .* ago +ended$')
        self.assertIn("\"sh -c 'echo 'a b' >…\"", rows[1])
        self.assertRegex(rows[1], r"Created +made$")
        self.assertEqual(self.engine("ps", "-q"), "")
        names = ("ps", "-a", "--format", "{{.Names}}")
        for filter, expected in (("status=exited", "ended"), ("status=created", "made"), ("name=mad", "made"), ("exited=3", "ended"),
                                 ("label=k", "ended"), ("label=k=w", ""), (f"ancestor={sample.BASE}", "ended\nmade"), ("since=made", "ended"),
                                 ("before=ended", "made")):
            with self.subTest(filter):
                self.assertEqual(self.engine(*names, "-f", filter), expected)
        self.assertEqual(self.engine("ps", "-lq", "--no-trunc"), self.inspect("ended")["Id"])
        self.assertEqual(self.engine("ps", "-n", "1", "--format", "{{.Names}}"), "ended")
        self.assertRegex(self.engine("ps", "-as", "--format", "{{.Size}}"), r"^0B \(virtual [0-9.]+MB\)\n0B \(virtual [0-9.]+MB\)$")
        for filter, message in (("foo=bar", "Invalid filter 'foo'"), ("status=foo", "Invalid filter 'status=foo'")):
            result = self.engine.run("ps", "--filter", filter)
            self.assertEqual((result.code, result.err), (1, DAEMON + message + "\n"))

    def test_inspect(self):
        self.create("mine", "sh", "-c", "echo hi > /f", flags=("-e", "A=1", "-l", "k=v", "-u", "bob", "-w", "/tmp", "-v", "/tmp:/host:ro", "-i"))
        document = self.inspect("mine")
        id = document["Id"]
        self.assertEqual(list(document), [
            "Id", "Created", "Path", "Args", "State", "Image", "ResolvConfPath", "HostnamePath", "HostsPath", "LogPath", "Name", "RestartCount",
            "Driver", "Platform", "MountLabel", "ProcessLabel", "AppArmorProfile", "ExecIDs", "HostConfig", "GraphDriver", "Mounts", "Config",
            "NetworkSettings"])
        self.assertEqual((document["Path"], document["Args"], document["Name"]), ("sh", ["-c", "echo hi > /f"], "/mine"))
        self.assertEqual(document["State"], {
            "Status": "created", "Running": False, "Paused": False, "Restarting": False, "OOMKilled": False, "Dead": False, "Pid": 0,
            "ExitCode": 0, "Error": "", "StartedAt": "0001-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z"})
        self.assertEqual(document["Config"] | {"Image": ""}, {
            "Hostname": id[:12], "Domainname": "", "User": "bob", "AttachStdin": True, "AttachStdout": True, "AttachStderr": True, "Tty": False,
            "OpenStdin": True, "StdinOnce": True, "Env": ["A=1"], "Cmd": ["sh", "-c", "echo hi > /f"], "Image": "", "Volumes": None,
            "WorkingDir": "/tmp", "Entrypoint": None, "OnBuild": None, "Labels": {"k": "v"}})
        self.assertEqual(document["Mounts"], [{"Type": "bind", "Source": "/tmp", "Destination": "/host", "Mode": "ro", "RW": False,
                                               "Propagation": "rprivate"}])
        graph = document["GraphDriver"]
        self.assertEqual(graph["Data"]["UpperDir"], self.store().upper(id))
        lowers = graph["Data"]["LowerDir"].split(":")
        self.assertEqual(len(lowers), 2)
        self.assertTrue(lowers[0].endswith("-init/diff") and all(os.path.isdir(lower) for lower in lowers))
        result = self.engine.run("inspect", "nosuch")
        self.assertEqual((result.code, result.out, result.err), (1, "[]\n", "Error: No such object: nosuch\n"))

    def test_names_are_made_up(self):
        self.engine("create", *NONE, sample.BASE, "true")
        self.assertRegex(self.engine("ps", "-a", "--format", "{{.Names}}"), "^[a-z]+_[a-z]+[0-9]?$")

    def test_the_record_is_docker_s(self):
        id = self.create("mine", "sh", "-c", "echo hi > /f")
        folder = self.path("store/containers", id)
        with open(os.path.join(folder, "config.v2.json")) as file:
            text = file.read()
        self.assertTrue(text.endswith("}\n"))
        self.assertEqual(list(json.loads(text)), [
            "StreamConfig", "State", "ID", "Created", "Managed", "Path", "Args", "Config", "Image", "NetworkSettings", "LogPath", "Name", "Driver",
            "OS", "MountLabel", "ProcessLabel", "RestartCount", "HasBeenStartedBefore", "HasBeenManuallyStopped", "MountPoints",
            "SecretReferences", "ConfigReferences", "AppArmorProfile", "HostnamePath", "HostsPath", "ShmPath", "ResolvConfPath", "SeccompProfile",
            "NoNewPrivileges", "LocalLogCacheMeta"])
        self.assertIn(r'"Args":["-c","echo hi \u003e /f"]', text)
        self.assertEqual(os.stat(folder).st_mode & 0o7777, 0o710)
        self.assertEqual(os.stat(os.path.join(folder, "config.v2.json")).st_mode & 0o777, 0o600)
        self.assert_store_sound("store", "--expect-clean")


def open_tree(folder):
    """path -> (mode, size, mtime) of all below it."""
    seen = {}
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(parent, name)
            stat = os.lstat(path)
            seen[os.path.relpath(path, folder)] = (stat.st_mode, stat.st_size, stat.st_mtime_ns)
    return seen


if __name__ == "__main__":
    unittest.main()
