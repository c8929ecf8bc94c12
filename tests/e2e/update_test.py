"""`update`: what a container may use, in its record and, while it runs, in its control group."""
import json
import unittest

from tests.e2e.container_test import IMAGE, ContainerCase

LOOP = ("sh", "-c", "while :; do sleep 1; done")


class Update(ContainerCase):
    def host_config(self, container):
        with open(self.path("store/containers", container, "hostconfig.json")) as file:
            return json.load(file)

    def update(self, *arguments):
        result = self.engine.run("update", *arguments)
        self.assertEqual((result.code, result.err), (0, ""), result)
        return result.out

    def assert_refused(self, message, *arguments, code=1):
        result = self.engine.run("update", *arguments)
        self.assertEqual((result.code, result.err), (code, message + "\n"), result)
        return result

    def create(self, name, *flags):
        return self.engine("create", "--network", "none", "--name", name, *flags, IMAGE, *LOOP)

    def test_only_what_was_asked_for_changes_in_the_record(self):
        one = self.create("one", "-m", "100m")
        before = self.host_config(one)
        self.assertEqual(self.update("--memory", "64m", "-c", "512", "--cpus", "0.75", "--cpuset-cpus", "0", "--cpuset-mems", "0",
                                     "--memory-reservation", "32m", "--cpu-rt-period", "1000", "--pids-limit", "-1", "--restart", "no", "one"), "one\n")
        expected = before | {"Memory": 64 << 20, "CpuShares": 512, "NanoCpus": 750_000_000, "CpusetCpus": "0", "CpusetMems": "0",
                             "MemoryReservation": 32 << 20, "CpuRealtimePeriod": 1000, "PidsLimit": 0}
        self.assertEqual(list(self.host_config(one)), list(before), "the order of its members")
        self.assertEqual(self.host_config(one), expected)
        self.update("--cpu-shares", "0", "one")
        self.assertEqual(self.host_config(one), expected, "0 leaves it as it is")
        self.assertEqual(self.engine("inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}", "one"), f"{64 << 20} 750000000")
        self.assertEqual(self.update("--kernel-memory", "64m", "one", one[:12]),
                         f"one\n{one[:12]}\n" + 2 * "Specifying a kernel memory limit is deprecated and will be removed in a future release.\n")

    def test_a_running_container_is_held_to_it_and_so_is_the_next_run(self):
        web = self.detached("--name", "web", IMAGE, *LOOP)
        self.assertIsNotNone(self.group(web, "pids", "pids.max", "pids.max"), "no control groups for pids")
        self.update("--pids-limit", "50", "-m", "64m", "--memory-swap", "64m", "--cpus", "0.5", "web")

        def limits():
            return (self.group(web, "pids", "pids.max", "pids.max"), self.group(web, "memory", "memory.limit_in_bytes", "memory.max"),
                    (self.group(web, "cpu", "cpu.cfs_quota_us", "cpu.max") or "").split()[0])
        self.assertEqual(limits(), ("50", str(64 << 20), "50000"))
        self.engine("restart", "-t", "0", "web")
        self.assertEqual(limits(), ("50", str(64 << 20), "50000"))
        self.engine("pause", "web")
        self.update("--memory-swap", "-1", "-m", "128m", "web")
        self.engine("unpause", "web")
        self.assertEqual(limits()[1], str(128 << 20))
        before = self.host_config(web)
        refused = self.engine.run("update", "--cpus", "0.001", "web")  # less than a kernel takes
        self.assertEqual(refused.code, 1)
        self.assertRegex(refused.err, f"^Error response from daemon: Cannot update container {web}: crun: .*\n$")
        self.assertEqual(self.host_config(web), before)
        self.update("--cpus", "0.25", "--pids-limit", "-1", "web")
        self.assertEqual(limits()[2], "25000")
        self.assertIn(limits()[0], ("max", "4194304"))

    def test_what_dockerd_refuses(self):
        one, gone = self.create("one"), "Error response from daemon: No such container: nosuch"
        limited = self.create("limited", "-m", "100m")
        cpus, quota = self.create("cpus", "--cpus", "1"), self.create("quota", "--cpu-quota", "5000", "--rm")
        daemon, cannot = "Error response from daemon: ", "Error response from daemon: Cannot update container "
        kept = [self.host_config(c) for c in (one, limited, cpus, quota)]
        swap = ": Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time"
        self.assert_refused("you must provide one or more flags when using this command", "one")
        self.assert_refused(gone, "-m", "1m", "nosuch")
        self.assert_refused(daemon + "Minimum memory limit allowed is 6MB", "-m", "1m", "one")
        self.assert_refused(cannot + one + swap, "-m", "64m", "one")
        self.assert_refused(cannot + limited + swap, "-m", "201m", "limited")
        self.assert_refused(daemon + "Conflicting options: Nano CPUs and CPU Period cannot both be set", "--cpus", "1", "--cpu-period", "1000", "one")
        self.assert_refused(cannot + cpus + ": Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set", "--cpu-quota", "5000", "cpus")
        self.assert_refused(cannot + quota + ": Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set", "--cpus", "1", "quota")
        self.assert_refused(daemon + "invalid restart policy 'nosuch'", "--restart", "nosuch", "one")
        self.assert_refused("maximum retry count must be an integer", "--restart", "on-failure:x", "nosuch")
        self.assert_refused(cannot + quota + ": Restart policy cannot be updated because AutoRemove is enabled for the container", "--restart", "always", "quota")
        self.assert_refused(cannot + one + ": restart policy 'always' needs a daemon; only 'no' is supported", "--restart", "always", "one")
        self.assert_refused('invalid argument "x" for "--blkio-weight" flag: strconv.ParseUint: parsing "x": invalid syntax\nSee \'strata update --help\'.',
                            "--blkio-weight", "x", "one", code=125)
        self.assertEqual([self.host_config(c) for c in (one, limited, cpus, quota)], kept)
        self.assertEqual(self.assert_refused(gone, "-c", "512", "one", "nosuch", "limited").out, "one\nlimited\n", "one that fails does not keep the others")


if __name__ == "__main__":
    unittest.main()
