"""A real dockerd 20.10 (Debian's docker.io) of the test's own: own data-root, socket and containerd, no networks.

Nothing of a dockerd that the machine may run already is touched. Several can run at once on roots of their own.
"""
import os
import shutil
import signal
import subprocess
import tempfile
import time

from tests.support import mounts
from tests.support.engine import Engine

DAEMON, CLIENT = "/usr/sbin/dockerd", "/usr/bin/docker"
START_SECONDS, STOP_SECONDS = 120, 120


class Dockerd(Engine):
    """A dockerd on the data-root `root` from start() to stop(), or in a `with` block; calls are docker commands."""

    def __init__(self, root, experimental=False):
        super().__init__(root)
        self.experimental = experimental
        self.run_dir = tempfile.mkdtemp(prefix="strata-dockerd-", dir="/var/tmp")  # short: sockets are in it
        self.socket = os.path.join(self.run_dir, "docker.sock")
        self.process = None

    def command(self):
        return [CLIENT, "--host", "unix://" + self.socket]

    def environment(self):
        ours = {"DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": os.path.join(self.run_dir, "client"), "TZ": "UTC"}
        return {key: value for key, value in os.environ.items() if not key.startswith("DOCKER_")} | ours

    def start(self):
        config = os.path.join(self.run_dir, "daemon.json")
        with open(config, "w") as file:
            file.write('{"experimental": true}\n' if self.experimental else "{}\n")  # else /etc/docker/daemon.json of the machine is read
        self.log_path = os.path.join(self.run_dir, "log")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [DAEMON, "--config-file", config, "--data-root", self.root, "--exec-root", os.path.join(self.run_dir, "run"),
                 "--pidfile", os.path.join(self.run_dir, "pid"), "--host", "unix://" + self.socket,
                 "--storage-driver", "overlay2", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
                 "--ip-masq=false", "--bridge=none"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment())
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while self.run("version").code != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"dockerd did not start:\n{self.log()[-4000:]}")
            time.sleep(0.02)

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def stop(self):
        """A clean shutdown; also the containers, the containerd and the mounts of this dockerd are gone afterwards."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        self._end_containerd()
        mounts.unmount_below(self.root)
        mounts.unmount_below(self.run_dir)

    def _end_containerd(self):
        """Its containerd ends with it; one that a killed dockerd left behind is ended here, by its pid file."""
        try:
            with open(os.path.join(self.run_dir, "run/containerd/containerd.pid")) as file:
                os.kill(int(file.read()), signal.SIGKILL)
        except (OSError, ValueError):
            pass

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.run_dir, ignore_errors=True)
