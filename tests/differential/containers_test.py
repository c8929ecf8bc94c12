"""Containers: Strata beside a real dockerd, command by command. How scenarios are written: tests/support/scenario.py."""
import unittest

from tests.support.scenario import BASE, ScenarioCase

FILES = {"f": "content\n", "env": "# a comment\nA=from file\n\nB=2\nHOME\nNOSUCH\n", "bad-env": "A B=1\n", "labels": "x=y\nz\n"}
STOPPED = [*BASE, "create N --name cc bb:1 sh -c 'echo out; echo err >&2; exit 3'"]
RUNNING = [*BASE, "run -d N --name rr bb:1 sh -c 'trap \"echo ended; exit 9\" TERM; echo begun; while :; do sleep 0.1; done'"]
WROTE = [*BASE, "create N --name ww bb:1 sh -c 'echo new > /etc/new; rm /bin/arch; mkdir -p /d/e; chmod 700 /root; ln -s x /d/l; echo more >> /etc/passwd'",
         "start -a ww"]
THREE = [*BASE, "create --name one --label kind=a bb:1 true", "create --name two --label kind=b bb:1 sh -c 'exit 2'",
         "run -d N --name three bb:1 sleep 1000"]

PROCESS = {
    "exit statuses": (BASE, ["run N bb:1 true", "run N bb:1 false", "run N bb:1 sh -c 'exit 77'", "run N bb:1 sh -c 'kill -9 $$'"]),
    "programs that cannot be run": (BASE, ["run N bb:1 nosuch", "run N bb:1 /nosuch", "run N bb:1 /etc", "run N bb:1 /etc/passwd", "run N bb:1 ''"]),
    "no command": (BASE, ["run N bb:1", "create bb:1", "create --entrypoint echo bb:1"]),
    "standard streams": (BASE, ["run N bb:1 sh -c 'echo out; echo err >&2'", "run N -i bb:1 cat ?typed", "run N bb:1 cat ?typed", "run N -a stdout bb:1 sh -c 'echo out; echo err >&2'",
                                "run N -a stderr bb:1 sh -c 'echo out; echo err >&2'", "run N -it bb:1 true", "run N -a nosuch bb:1 true"]),
    "environment": (BASE, ["run N -h h bb:1 sh -c 'env | sort'", "run N -h h -e A=1 -e B= -e NOSUCH -e A=2 bb:1 sh -c 'env | sort'", "run N -e =x bb:1 sh -c 'env | sort'", "run N -h h --env-file CONTEXT/env -e A=mine bb:1 sh -c 'env | sort'",
                           "run N --env-file CONTEXT/bad-env bb:1 sh -c 'env | sort'", "run N --env-file CONTEXT/nosuch bb:1 sh -c 'env | sort'", "run N -h h -e PATH=/bin -e HOME=/x bb:1 sh -c 'env | sort'"]),
    "working directory": (BASE, ["run N -w /etc bb:1 pwd", "run N -w /new/one bb:1 sh -c 'pwd; ls -ld /new/one'", "run N -w relative bb:1 pwd", "run N -w /etc/passwd bb:1 pwd", "run N -w /etc/../bin/. bb:1 pwd"]),
    "users": (BASE, ["run N -u 1:2 bb:1 id", "run N -u bob bb:1 id", "run N -u root bb:1 id", "run N -u 1000 bb:1 id", "run N -u nosuch bb:1 id", "run N -u 0:nosuch bb:1 id", "run N -u 99999999999 bb:1 id",
                     "run N -u bob:root bb:1 id", "run N --group-add 7 --group-add 9 bb:1 id", "run N --group-add nosuch bb:1 id"]),
    "entrypoints": (BASE, ["run N --entrypoint echo bb:1 a b", "run N --entrypoint '' bb:1 echo x", "run N --entrypoint '' bb:1", "run N --entrypoint nosuch bb:1", "run N --entrypoint 'echo a' bb:1"]),
    "host name": (BASE, ["run N -h box bb:1 sh -c 'hostname; cat /etc/hostname'", "run N -h box.example.org bb:1 hostname", "run N -h 'a b' bb:1 hostname",
                         "run N -h -bad bb:1 hostname", "run N -h box --domainname example.org bb:1 sh -c 'cat /proc/sys/kernel/domainname'"]),
    "name resolution": (BASE, ["run N -h box --add-host one:10.0.0.1 --add-host two:::1 bb:1 cat /etc/hosts", "run N --add-host bad bb:1 true", "run N --add-host a:b bb:1 true",
                               "run N --dns 10.0.0.9 --dns-search example.org --dns-option ndots:2 bb:1 cat /etc/resolv.conf", "run N --dns nosuch bb:1 true"]),
    "a read-only root": (BASE, ["run N --read-only bb:1 touch /x", "run N --read-only --tmpfs /t bb:1 sh -c 'touch /t/x; ls /t'", "run N --read-only bb:1 sh -c 'echo x > /dev/shm/x; cat /dev/shm/x'"]),
    "tmpfs": (BASE, ["run N --tmpfs /t:size=64k,mode=700 bb:1 sh -c 'ls -ld /t; df -k /t | tail -n 1'", "run N --tmpfs t bb:1 true", "run N --tmpfs / bb:1 true", 
                     "run N --shm-size 1m bb:1 sh -c 'df -k /dev/shm | tail -n 1'", "run N --shm-size x bb:1 true"]),
    "bind mounts": (BASE, ["run N -v CONTEXT/f:/f bb:1 cat /f", "run N -v CONTEXT/f:/f:ro bb:1 sh -c 'echo x > /f'", "run N -v CONTEXT:/a/b/c bb:1 ls /a/b/c", "run N -v CONTEXT/f:/etc/passwd:ro bb:1 cat /etc/passwd",
                           "run N -v CONTEXT:relative bb:1 true", "run N -v CONTEXT:/x:nosuch bb:1 true", "run N -v a:b:c:d bb:1 true", "run N -v CONTEXT:/ bb:1 true", "run N -v :/x bb:1 true",
                           "run N -v CONTEXT/f:/d/ bb:1 true", "run N -v CONTEXT:/x -v CONTEXT:/x bb:1 true"]),
    "volumes": (BASE, ["run N --rm -v /bin bb:1 sh -c 'ls -l /bin/busybox /bin/sh; touch /bin/x'", "run N --rm -v vol:/v bb:1 sh -c 'echo kept > /v/f'", "run N --rm -v vol:/v bb:1 cat /v/f", "run N --rm -v 'b d':/v bb:1 true"]),
    "privileges": (BASE, ["run N bb:1 grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status", "run N --cap-drop ALL --cap-add CHOWN bb:1 grep ^Cap /proc/self/status",
                          "run N --cap-add nosuch bb:1 true", "run N --cap-drop CAP_NOSUCH bb:1 true", "run N -u 5 bb:1 grep ^Cap /proc/self/status",
                          "run N --security-opt no-new-privileges bb:1 grep NoNewPrivs /proc/self/status", "run N --security-opt seccomp=unconfined bb:1 grep Seccomp: /proc/self/status",
                          "run N --security-opt nosuch bb:1 true"]),
    "the devices": (BASE, ["run N bb:1 sh -c 'ls -l /dev | grep -v core | cut -c1-10,57-'", "run N bb:1 sh -c 'ls /dev/pts /dev/mqueue /dev/shm'", "run N bb:1 mknod /tmp/x c 1 3", "run N bb:1 mknod /tmp/x b 8 0", "run N bb:1 head -c 3 /dev/zero"]),
    "what is hidden": (BASE, ["run N bb:1 sh -c 'head -c 1 /proc/kcore; ls /proc/acpi /proc/scsi /sys/firmware; echo x > /proc/sysrq-trigger; cat /proc/timer_list /proc/keys | head -c 9'"]),
    "limits": (BASE, ["run N --ulimit nofile=100:200 bb:1 sh -c 'ulimit -n; ulimit -Hn'", "run N --ulimit core=0 bb:1 sh -c 'ulimit -c'", "run N --ulimit nosuch=1 bb:1 true", "run N --ulimit nofile=x bb:1 true",
                      "run N --ulimit nofile=5:2 bb:1 true", "run N -m 4m bb:1 true", "run N -m 1x bb:1 true", "run N -m 100m --memory-swap 50m bb:1 true", "run N --cpus 9999 bb:1 true", "run N --cpu-shares x bb:1 true"]),
    "umask and mounts": (BASE, ["run N bb:1 sh -c 'umask; pwd; id; ulimit -s'", "run N bb:1 sh -c \"awk '{print \\$2}' /proc/mounts | grep -v '^/sys' | sort\""]),
    "mistakes in the command line": (BASE, ["run", "run --nosuch bb:1", "run --name", "create", "run -d -a stdout bb:1 true", "run --rm --restart always bb:1 true", "run --restart nosuch bb:1 true",
                                            "run --pull nosuch bb:1 true", "run UPPER true", "run bb@sha256:12 true"]),
}

LIFE = {
    "names": (BASE, ["create --name cc bb:1 true", "create --name cc bb:1 true", "run N --name cc bb:1 true", "create --name ' ' bb:1 true", "create --name .x bb:1 true", "create --name a bb:1 true", "create --name bb_-. bb:1 true", "create --name aa_-. bb:1 true", "rm cc"]),
    "start": (STOPPED, ["start cc", "wait cc", "start -a cc", "start nosuch", "start nosuch cc", "start -a nosuch", "start", "start -a cc cc", "logs cc"]),
    "start what runs": (RUNNING, ["start rr", "rm rr", "rm -f rr"]),
    "start what cannot be": ([*BASE, "create N --name cc bb:1 nosuch", "create N --name dd -w /new bb:1 pwd"], ["create N --name ee -w /etc/passwd bb:1 true", "start cc", "start -a cc", "start -a dd", "inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' cc", "ps -a --format '{{.Status}}'"]),
    "stop": (RUNNING, ["stop -t 5 rr", "stop rr", "inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Running}} {{.State.OOMKilled}} {{.State.Error}}' rr", "logs rr", "stop nosuch", "stop", "stop -t x rr"]),
    "stop with force": ([*BASE, "run -d N --name rr bb:1 sh -c 'trap : TERM; while :; do sleep 0.1; done'"], ["stop -t 1 rr", "inspect -f '{{.State.ExitCode}}' rr"]),
    "stop signals": ([*BASE, "run -d N --name rr --stop-signal INT bb:1 sh -c 'trap \"exit 5\" INT; while :; do sleep 0.1; done'"], ["stop -t 5 rr", "inspect -f '{{.State.ExitCode}} {{.Config.StopSignal}}' rr", "create --stop-signal NOSUCH bb:1 true"]),
    "kill": (RUNNING, ["kill -s nosuch rr", "kill -s 99 rr", "kill -s TERM rr", "wait rr", "kill rr", "kill nosuch", "kill", "inspect -f '{{.State.ExitCode}}' rr"]),
    "kill at once": (RUNNING, ["kill rr", "wait rr", "wait nosuch rr"]),
    "wait": (STOPPED, ["start cc", "wait cc cc", "wait", "wait nosuch"]),
    "rm": ([*STOPPED, *RUNNING[1:]], ["rm nosuch cc rr", "rm", "rm cc", "rm -f rr nosuch", "rm -f nosuch"]),
    "logs": ([*STOPPED, "start -a cc"] if False else [*BASE, "create N --name cc bb:1 sh -c 'for i in 1 2 3; do echo $i; done; printf end'", "start cc", "wait cc"],
             ["logs --tail 0 cc", "logs -n all cc", "logs --tail 2 cc", "logs --tail x cc", "logs --since 1h cc", "logs --until 1h cc", "logs --since nosuch cc", "logs nosuch", "logs", "logs -f cc"]),
    "logs of what has not run": ([*BASE, "create --name cc bb:1 true"], ["logs cc"]),
    "run --rm": (BASE, ["run --rm N bb:1 false", "run --rm N -d bb:1 true", "run --rm N bb:1 nosuch", "run --rm N --name xx bb:1 true"]),
    "cidfile": (BASE, ["run N --cidfile CONTEXT/f bb:1 true", "run N --cidfile /nosuch/x bb:1 true"]),
    "diff": (WROTE, ["diff ww", "diff nosuch", "diff", "diff ww ww"]),
    "diff of nothing": (STOPPED, ["diff cc"]),
    "commit": (WROTE, ["commit -a 'A B <a@b>' -m 'a message' ww out:1", "image inspect -f '{{.Author}}|{{.Comment}}|{{json .Config.Cmd}}|{{.Config.Image}}|{{len .RootFS.Layers}}' out:1", "history --format '{{.CreatedBy}}|{{.Comment}}|{{.Size}}' out:1",
                       "rootfs out:1", "commit nosuch", "commit ww UPPER", "commit", "commit ww a b c"]),
    "commit with changes": (WROTE, ["commit -c 'ENV A=1' -c 'CMD [\"x\"]' -c 'EXPOSE 80' --change 'LABEL a=b c=d' -c 'WORKDIR /w' -c 'USER u' -c 'ENTRYPOINT e' -c 'VOLUME /v' -c 'ONBUILD RUN x' ww out:1",
                                    "image inspect -f '{{json .Config}}' out:1", "commit -c 'RUN x' ww out:2", "commit -c nosuch ww out:2", "commit -c 'ENV' ww out:2"]),
    "commit of what runs": (RUNNING, ["commit rr out:1", "commit -p=false rr out:2", "ps --format '{{.Status}}'"]),
    "export": (STOPPED, ["export nosuch", "export", "export -o /nosuch/x cc"]),
    "ps": (THREE, ["ps --format '{{.Names}} {{.Image}} {{.Command}} {{.Ports}}'", "ps -a --format '{{.Names}}|{{.Label \"kind\"}}'", "ps -q --filter name=none", "ps -n 2 --format '{{.Names}}'", "ps -l --format '{{.Names}}'",
                   "ps -a --format 'table {{.Names}}\t{{.State}}'", "ps -a --no-trunc --format '{{.Command}}'", "ps x", "ps --format '{{.Nosuch}}'"]),
    "filters of ps": (THREE, [f"ps -a --format '{{{{.Names}}}}' {words}" for words in (
        "-f name=t", "-f name=^t.o$", "-f status=created", "-f status=running", "-f status=nosuch", "-f exited=0", "-f exited=2", "-f label=kind", "-f label=kind=b", "-f ancestor=bb:1", "-f ancestor=nosuch", "-f before=two", "-f since=one",
        "-f nosuch=x", "-f nosuch", "-f id=zzz", "-f volume=x", "-f network=none")]),
    "inspect": (THREE, ["inspect -f '{{.Name}} {{.State.Status}} {{.Path}} {{json .Args}} {{.Driver}} {{.RestartCount}}' one two", "inspect nosuch", "inspect one nosuch -f '{{.Name}}'", "inspect --type image one", "inspect --type nosuch one",
                        "container inspect -f '{{json .Config.Cmd}} {{json .Config.Labels}} {{json .Config.Env}}' two", "inspect -f '{{.Nosuch}}' one", "inspect -f '{{' one",
                        "inspect -f '{{.HostConfig.NetworkMode}} {{json .HostConfig.Binds}} {{.HostConfig.AutoRemove}} {{json .Mounts}}' three"]),
    "inspect of an image": (BASE, ["inspect -f '{{.Os}} {{.Architecture}} {{json .Config.Env}}' bb:1", "image inspect nosuch bb:1 -f '{{.Os}}'", "inspect --type container bb:1"]),
    "container prune": (THREE, ["container prune -f", "ps -a --format '{{.Names}}'"]),
}

LIVING = [*BASE, "run -d N --name rr -h box -e A=1 -e B=2 bb:1 sh -c 'trap \"exit 9\" TERM; while :; do sleep 0.1; done'"]

CONTROL = {
    "exec": (LIVING, ["exec rr echo hello", "exec rr sh -c 'echo out; echo err >&2; exit 7'", "exec rr false", "exec rr sh -c 'kill -9 $$'", "exec -i rr cat ?typed", "exec rr cat ?typed", "exec rr nosuch",
                      "exec rr /nosuch", "exec rr /etc", "exec rr /etc/passwd", "exec nosuch true", "exec rr", "exec", "exec -it rr true", "exec -d rr touch /made", "exec rr sh -c 'until [ -e /made ]; do sleep 0.05; done; ls /made'", "diff rr"]),
    "exec as it is asked": (LIVING, ["exec rr sh -c 'env | sort; pwd; id'", "exec -e A=3 -e C=4 -e NOSUCH rr sh -c 'env | sort'", "exec -e =x rr true", "exec -w /etc rr pwd", "exec -u 1:2 rr id", "exec -u bob rr sh -c 'id; echo $HOME'",
                                     "exec -u nosuch rr id", "exec rr grep ^Cap /proc/self/status", "exec -u 5 rr grep ^Cap /proc/self/status", "exec --env-file CONTEXT/env rr sh -c 'env | sort'",
                                     "exec -t rr sh -c 'tty; echo $TERM'", "exec rr ls /proc/self/fd"]),
    "exec in what does not run": (STOPPED, ["exec cc true"]),
    "pause": (LIVING, ["pause rr", "ps --format '{{.State}} {{.Names}}'", "inspect -f '{{.State.Status}} {{.State.Paused}} {{.State.Running}}' rr", "pause rr", "exec rr true", "rm rr", "unpause rr", "unpause rr", "exec rr echo lives",
                       "pause nosuch rr", "stop -t 5 rr", "inspect -f '{{.State.Status}} {{.State.ExitCode}}' rr", "pause rr", "unpause rr", "unpause nosuch", "pause"]),
    "kill what is paused": (LIVING, ["pause rr", "kill rr", "wait rr", "inspect -f '{{.State.Status}} {{.State.Paused}}' rr"]),
    "restart": (LIVING, ["exec rr touch /kept", "restart -t 5 rr", "exec rr ls /kept", "inspect -f '{{.State.Status}} {{.RestartCount}}' rr", "restart nosuch", "restart", "stop -t 5 rr", "restart rr", "ps --format '{{.Names}}'"]),
    "rename": ([*LIVING, "create --name cc bb:1 true"], ["rename rr new", "ps -a --format '{{.Names}}'", "rename new new", "rename new cc", "rename new /other", "rename other 'a b'", "rename nosuch x1", "rename other", "rename other ''",
                                                        "inspect -f '{{.Name}}' other", "exec other true", "rm -f rr"]),
    "top": ([*BASE, "run -d N --name rr bb:1 sh -c 'sleep 1000; true'"], ["top rr -o pid,args", "top rr -o args", "top nosuch", "top"]),
}

RESOURCES = "'{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.MemoryReservation}} {{.NanoCpus}} {{.CpuPeriod}} {{.CpuQuota}} {{.CpuShares}} {{.CpusetCpus}} {{.CpusetMems}} {{.RestartPolicy.Name}} {{.RestartPolicy.MaximumRetryCount}} {{.CpuRealtimePeriod}} {{.CpuRealtimeRuntime}}{{end}}'"
LIMITED = [*BASE, *(f"create N --name {name} {flags} bb:1 true" for name, flags in (
    ("cc", ""), ("mm", "-m 100m"), ("nn", "--cpus 1"), ("qq", "--cpu-quota 50000"), ("pp", "--cpu-period 50000"), ("xx", "--rm")))]

UPDATE = {
    "update": (LIMITED, ["update -m 256m --memory-swap -1 cc", f"inspect -f {RESOURCES} cc", "update -m 200m mm", "update -m 300m mm", "update --memory-swap 1g mm nosuch nn", "update --memory-reservation 50m mm", f"inspect -f {RESOURCES} mm nn",
                         "update --cpus .5 nn", "update --cpus 1 --cpu-quota -1 cc", "update --cpuset-cpus 0 --cpuset-mems 0 -c 512 nn pp", "update --pids-limit 10 nn", "update --pids-limit -1 pp", "update --pids-limit 0 qq",
                         "update --cpu-rt-period 1000 --cpu-rt-runtime 500 --kernel-memory 64m qq", "update --cpu-quota -1 qq", "update -m 0 --restart= qq", "update --restart no:0 xx", "update --restart :3 cc", f"inspect -f {RESOURCES} cc nn pp qq xx", "inspect -f '{{.HostConfig.PidsLimit}}' nn pp qq"]),
    "updates that are refused": (LIMITED, ["update", "update cc", "update -m 64m nosuch", "update -m 1m nosuch", "update -m 1m cc", "update -m 1x cc", "update -m -1 cc", "update --memory-swap -5 cc", "update -m 64m cc", "update -m 128m --memory-swap 64m cc",
                                           "update --memory-reservation 1m cc", "update -m 64m --memory-swap 100m --memory-reservation 100m cc", "update --kernel-memory 1m cc", "update --cpus 1 --cpu-period 1000 cc", "update --cpus 1 --cpu-quota 1000 cc",
                                           "update --cpus 9999 cc", "update --cpus -1 cc", "update --cpus x cc", "update --cpus 1.0000000001 cc", "update --cpus 1 pp", "update --cpus 1 qq", "update --cpu-period 5000 nn", "update --cpu-quota 5000 nn",
                                           "update --cpu-period 10 cc", "update --cpu-period -1 cc", "update --cpu-quota 10 cc", "update --cpu-shares x cc", "update --blkio-weight 70000 cc", "update --blkio-weight -1 cc", "update --blkio-weight x cc", "update --pids-limit x cc",
                                           *(f"update --cpuset-{which} {value} cc" for which in ("cpus", "mems") for value in ("9999", "x", "1-0", "0,", "0-x", "8192-9000")),
                                           "update --restart nosuch cc", "update --restart always xx", "update --restart on-failure:x cc", "update --restart on-failure:-1 cc", "update --restart always:3 cc", "update --restart a:b:c cc", "update nosuch --nosuch",
                                           f"inspect -f {RESOURCES} cc nn pp qq xx"]),
    "limits that are refused": (BASE, ["create --memory-reservation 1m bb:1 true", "create --memory-swap 10m bb:1 true", "create --cpus 1 --cpu-period 10000 bb:1 true", "create --cpus -1 bb:1 true", "create --cpus x bb:1 true", "create --cpu-period 1 bb:1 true",
                                       "create --cpuset-cpus 9999 bb:1 true", "create -m -1 bb:1 true", "create --cpus 0.001 --pids-limit -1 --name cc bb:1 true", f"inspect -f {RESOURCES} cc", "inspect -f '{{.HostConfig.PidsLimit}}' cc"]),
    "update of what runs": (RUNNING, ["update -m 64m rr", "update -m 64m --memory-swap 100m rr", "update --memory-swap 80m --pids-limit 50 rr", "exec rr cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes /sys/fs/cgroup/pids/pids.max",
                                      "update --cpus 0.5 -c 512 --cpuset-cpus 0 rr", "exec rr cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.shares /sys/fs/cgroup/cpuset/cpuset.cpus", f"inspect -f {RESOURCES} rr"]),
    "stats": ([*STOPPED, *RUNNING[1:]], ["stats --no-stream cc", "stats --no-stream --format '{{.Container}} {{.Name}} {{.ID}} {{.NetIO}} {{.BlockIO}}' rr cc /rr rr", "stats --no-stream --format 'table {{.Container}}\t{{.Name}}' -a", "stats --no-stream --no-trunc cc",
                                         "stats --no-stream --format '{{json .}}' cc", "stats --no-stream --format table cc", "stats --no-stream rr nosuch none", "stats nosuch", "stats --no-stream --format '{{' rr", "stats --no-stream --format '{{.Nosuch}}' rr", "stats -x"]),
}


class Containers(ScenarioCase):
    FILES = FILES
    KEEP = True

    def test_processes(self):
        self.compare(PROCESS)

    def test_lives(self):
        self.compare(LIFE)

    def test_control(self):
        self.compare(CONTROL)

    def test_resources(self):
        self.compare(UPDATE)


if __name__ == "__main__":
    unittest.main()
