"""The Dockerfile language beyond the classic builder: here-documents and the newer flags of COPY and ADD."""
import dataclasses
import hashlib
import io
import os
import socket
import subprocess
import tarfile
import threading
import unittest

from tests.support import rootfs, sample
from tests.support.case import StoreCase
from tests.support.web import Web


# Sends its second argument to the socket that the first one names, and prints the answer.
ASK = r"""
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main(int argc, char** argv) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  char buffer[100];
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (argc != 3) return 2;
  strncpy(a.sun_path, argv[1], sizeof a.sun_path - 1);
  if (connect(fd, (struct sockaddr*)&a, sizeof a) < 0) return 3;
  if (write(fd, argv[2], strlen(argv[2])) < 0) return 4;
  ssize_t n = read(fd, buffer, sizeof buffer);
  return n < 0 || fwrite(buffer, 1, n, stdout) != (size_t)n;
}
"""


@dataclasses.dataclass
class File:
    mode: int
    uid: int
    gid: int
    mtime: int
    kind: str
    content: str


class Language(StoreCase):
    """Builds a Dockerfile and gives the files of its image: name -> File."""

    def setUp(self):
        super().setUp()
        self.engine = self.strata()

    def use_busybox(self):
        self.engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)

    def build(self, dockerfile, files=(), *options, tag="t:1"):
        folder = self.context({"Dockerfile": dockerfile, **dict(files)})
        return self.engine("build", "--network", "none", "-t", tag, *options, folder)

    def refused(self, dockerfile, files=(), *options):
        folder = self.context({"Dockerfile": dockerfile, **dict(files)})
        result = self.engine.run("build", "--network", "none", "-t", "refused:1", *options, folder)
        self.assertNotEqual(result.code, 0, result)
        self.assertEqual(self.engine("images", "-q", "refused"), "")
        return result.err

    def files(self, tag="t:1"):
        """The files of the image's top-most view."""
        container = self.engine("create", tag, "x")
        data = self.engine_bytes("export", container)
        self.engine("rm", container)
        found = {}
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                found[member.name.rstrip("/")] = File(
                    member.mode, member.uid, member.gid, int(member.mtime), "dir" if member.isdir() else "link" if member.issym() else "file",
                    tar.extractfile(member).read().decode(errors="replace") if member.isreg() else None)
        return found

    def engine_bytes(self, *arguments):
        path = self.path("out.tar")
        self.engine(*arguments, "-o", path)
        with open(path, "rb") as file:
            return file.read()

    def created_by(self, tag="t:1"):
        return self.engine("history", "--no-trunc", "--format", "{{.CreatedBy}}", tag).splitlines()


class Copy(Language):
    def test_here_documents_become_files(self):
        self.build("FROM scratch\nARG V=val\nCOPY <<EOF <<'E2' a /here/\nv=$V \"q\" \\$V\nEOF\nv=$V\nE2\nADD <<-one /x/name\n\t\ttwo\n\tone\n", {"a": "a"})
        files = self.files()
        self.assertEqual(files["here/EOF"].content, 'v=val "q" $V\n')
        self.assertEqual(files["here/E2"].content, "v=$V\n")
        self.assertEqual(files["here/a"].content, "a")
        self.assertEqual((files["x/name"].content, files["x/name"].mode, files["x/name"].mtime), ("two\n", 0o644, 0))
        again = self.build("FROM scratch\nARG V=val\nCOPY <<EOF <<'E2' a /here/\nv=$V \"q\" \\$V!\nEOF\nv=$V\nE2\nADD <<-one /x/name\n\ttwo\n\tone\n")
        self.assertEqual(again.count("Using cache"), 1, "another body is another step")

    def test_here_document_is_one_file_for_one_name(self):
        self.assertIn("the destination must be a directory", self.refused("FROM scratch\nCOPY <<A <<B /x\na\nA\nb\nB\n"))
        self.assertIn("its name cannot be that of a file", self.refused("FROM scratch\nCOPY <<.. /x/\na\n..\n"))

    def test_parents_keeps_the_directories_above(self):
        folder = self.context({"a/b/c/f": "f", "a/b/g.md": "g", "d/x.md": "x"})
        os.chmod(os.path.join(folder, "a/b"), 0o700)
        self.build("FROM scratch\nCOPY --parents a/./b/c/f a/b/*.md /one/\nCOPY --parents d ./a/b/./c /two\nCOPY --parents . /all/\n")
        files = self.files()
        self.assertLessEqual({"one/b/c/f", "one/a/b/g.md", "two/d/x.md", "two/c/f", "all/d/x.md", "all/Dockerfile"}, set(files))
        self.assertNotIn("one/g.md", files)
        self.assertEqual([files[n].mode for n in ("one/b", "one/a/b", "one/b/c", "all/a/b")], [0o700, 0o700, 0o755, 0o700])

    def test_exclude_leaves_files_out_of_the_result_and_of_the_cache_key(self):
        files = {"d/a.txt": "a", "d/b.md": "b", "d/s/c.md": "c", "x.md": "x", "y.txt": "y"}
        text = "FROM scratch\nCOPY --exclude=*.md --exclude=**/c.md d /d\nCOPY --exclude=*.md ?.* /f/\n"
        self.build(text, files)
        found = self.files()
        self.assertEqual({n for n in found if n.startswith(("d/", "f/"))}, {"d/a.txt", "d/s", "f/y.txt"})
        again = self.build(text, files | {"d/b.md": "changed", "x.md": "changed"})
        self.assertEqual(again.count("Using cache"), 2)
        again = self.build(text, files | {"d/a.txt": "changed"})
        self.assertEqual(again.count("Using cache"), 0)

    def test_chmod_and_chown_decide_about_the_cache(self):
        self.use_busybox()
        files = {"d/run": "#!/bin/sh\n", "d/s/f": "f"}
        folder = self.context(files)
        os.chmod(os.path.join(folder, "d/run"), 0o755)
        text = f"FROM {sample.BASE}\nCOPY --chmod=u=rwX,go=rX d /x\nCOPY --chmod=0700 --chown=bob d/s/f /f\n"
        self.build(text)
        found = self.files()
        self.assertEqual([found[n].mode for n in ("x", "x/run", "x/s", "x/s/f", "f")], [0o755, 0o755, 0o755, 0o644, 0o700])
        self.assertEqual((found["f"].uid, found["f"].gid), (1000, 1001))
        self.assertEqual(self.build(text).count("Using cache"), 2)
        self.assertEqual(self.build(text.replace("go=rX", "go=")).count("Using cache"), 0)
        self.assertEqual(self.files()["x/s/f"].mode, 0o600)
        self.assertIn("invalid chmod parameter: '99999'", self.refused(f"FROM {sample.BASE}\nCOPY --chmod=99999 d /x\n"))

    def test_link_does_not_follow_links_of_the_image(self):
        self.use_busybox()
        self.build(f"FROM {sample.BASE}\nRUN ln -s /tmp /l && ln -s /tmp /m\nCOPY --link f /l/\nCOPY f /m/\nCOPY --link --chown=1:2 f .\n", {"f": "f"})
        found = self.files()
        self.assertEqual((found["l"].kind, found["m"].kind), ("dir", "link"))
        self.assertLessEqual({"l/f", "tmp/f", "f"}, set(found))
        self.assertEqual(found["f"].uid, 1)


class Add(Language):
    def setUp(self):
        super().setUp()
        self.web = Web()
        self.addCleanup(self.web.stop)

    def test_checksum_is_verified(self):
        self.web.pages["/f.bin"] = (200, {}, b"data")
        url = self.web.url + "/f.bin"
        good = "sha256:" + hashlib.sha256(b"data").hexdigest()
        self.build(f"FROM scratch\nARG SUM={good}\nADD --checksum=$SUM {url} /f\n")
        self.assertEqual(self.files()["f"].content, "data")
        bad = "sha256:" + "0" * 64
        self.assertIn(f"digest mismatch: expected {bad}, got {good}", self.refused(f"FROM scratch\nADD --checksum={bad} {url} /f\n"))
        self.assertIn("multiple sources", self.refused(f"FROM scratch\nADD --checksum={good} {url} {url} /f/\n"))
        self.assertIn("non-HTTP(S) and non-Git sources", self.refused(f"FROM scratch\nADD --checksum={good} a /f\n", {"a": "a"}))
        self.assertIn("--checksum: ", self.refused(f"FROM scratch\nADD --checksum=sha256:1 {url} /f\n"))

    def test_unpack_decides_about_archives(self):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w:gz") as tar:
            rootfs.add_file(tar, "in/side", "inside")
        self.web.pages["/a.tgz"] = (200, {}, data.getvalue())
        url = self.web.url + "/a.tgz"
        self.build(f"FROM scratch\nADD a.tgz /one/\nADD --unpack=false a.tgz /two/\nADD --unpack {url} /three/\nADD {url} /four/\n",
                   {"a.tgz": data.getvalue()})
        found = self.files()
        self.assertLessEqual({"one/in/side", "two/a.tgz", "three/in/side", "four/a.tgz"}, set(found))
        self.assertNotIn("three/a.tgz", found)


class Run(Language):
    """RUN with here-documents and mounts."""

    def setUp(self):
        super().setUp()
        self.use_busybox()

    def run_it(self, *lines, files=(), options=(), before=""):
        """Builds FROM busybox with these lines; the build's output."""
        return self.build(f"{before}FROM {sample.BASE}\n" + "\n".join(lines) + "\n", files, *options)

    def test_here_documents(self):
        self.run_it("RUN <<EOF", "echo one > /one", "echo $HOME > /home-dir", "EOF",
                    "RUN <<EOF sh -e; echo after > /after", "echo two > /two", "EOF",
                    "RUN <<program", "#!/bin/sh", "echo $0 > /name", "program")
        found = self.files()
        self.assertEqual([found[n].content for n in ("one", "home-dir", "two", "after", "name")],
                         ["one\n", "/root\n", "two\n", "after\n", "/dev/pipes/program\n"])
        again = self.run_it("RUN <<EOF", "echo one > /one", "echo $HOME > /home-dir", "EOF")
        self.assertEqual(again.count("Using cache"), 1)
        self.assertIn("The command '/dev/pipes/p' returned a non-zero code: 3", self.refused(f"FROM {sample.BASE}\nRUN <<p\n#!/bin/sh\nexit 3\np\n"))

    def test_bind_of_the_context(self):
        files = {"d/f": "f", "d/s/g": "g", "h": "h", "ignored": "i", ".dockerignore": "ignored\n"}
        lines = ["WORKDIR /w", "RUN --mount=target=/ctx ls /ctx > /list; stat -c '%u:%g' /ctx/h >> /list; touch /ctx/x 2>/dev/null || echo ro >> /list",
                 "RUN --mount=type=bind,source=d,target=in,rw cat in/s/g > /g; echo changed > in/f; cat in/f > /f",
                 "RUN --mount=source=h,target=/etc/deep/h cat /etc/deep/h > /h"]
        self.run_it(*lines, files=files)
        found = self.files()
        self.assertEqual(found["list"].content, "Dockerfile\nd\nh\n0:0\nro\n")
        self.assertEqual((found["g"].content, found["f"].content, found["h"].content), ("g", "changed\n", "h"))
        self.assertFalse({"ctx", "w/in", "etc/deep"} & set(found), "mount points that nobody asked for")
        with open(self.path("context/d/f")) as file:
            self.assertEqual(file.read(), "f", "the context is as it was")
        self.assertEqual(self.run_it(*lines, files=files | {"ignored": "other"}).count("Using cache"), 4)
        changed = self.run_it(*lines[:1], *lines[2:], files=files | {"d/s/g": "G"})
        self.assertEqual(changed.count("Using cache"), 1, "content decides")
        self.assertEqual(self.files()["g"].content, "G")
        for text, message in (("source=nope,target=/x", "not found in build context"), ("source=../x,target=/x", "forbidden path outside"),
                              ("source=ignored,target=/x", "not found in build context"), ("target=/", 'invalid mount target "/"'),
                              ("type=foo,target=/x", 'unsupported mount type "foo"'), ("foo=1,target=/x", "unexpected key 'foo' in 'foo=1'"),
                              ("from=nosuch,target=/x", "invalid from flag value nosuch")):
            self.assertIn(message, self.refused(f"FROM {sample.BASE}\nRUN --mount={text} true\n", files))

    def test_bind_of_a_stage_and_an_image(self):
        self.run_it("COPY --from=made /d/l /copied",
                    "RUN --mount=from=made,source=/d/l,target=/m --mount=from=busybox:test,target=/img,rw cat /m/f > /one; echo x > /img/etc/x && ls /img/etc > /two",
                    "RUN --mount=from=made,target=/tools [\"/tools/d/prog\"]",
                    before=f"FROM {sample.BASE} AS made\nRUN mkdir -p /d/real && echo f > /d/real/f && ln -s real /d/l "
                           "&& printf '#!/bin/sh\\necho ran > /ran\\n' > /d/prog && chmod +x /d/prog\nFROM scratch AS unused\n")
        found = self.files()
        self.assertEqual((found["one"].content, found["ran"].content), ("f\n", "ran\n"))
        self.assertIn("x", found["two"].content.split())
        self.assertNotIn("etc/x", found)

    def test_caches_stay_from_build_to_build(self):
        line = "RUN --mount=type=cache,target=/root/.cache,mode=0700,uid=1000 ls /root/.cache > /had; stat -c '%a %u' /root/.cache >> /had; echo $W > /root/.cache/$W"
        self.run_it("ENV W=one", line)
        self.assertEqual(self.files()["had"].content, "700 1000\n")
        self.assertNotIn("root/.cache", self.files())
        self.run_it("ENV W=two", line)
        self.assertEqual(self.files()["had"].content, "one\n700 1000\n")
        self.run_it("RUN --mount=type=cache,id=other,target=/c,from=busybox:test,source=/etc,sharing=locked ls /c > /had",
                    "RUN --mount=type=cache,target=/a,id=/root/.cache,ro ls /a > /same; touch /a/x 2>/dev/null || echo ro >> /same",
                    "RUN --mount=type=cache,target=/a,id=part,source=x/../../y touch /a/in", "RUN --mount=type=cache,target=/a,id=part ls /a/y > /part")
        found = self.files()
        self.assertEqual((found["had"].content, found["same"].content, found["part"].content), ("group\npasswd\n", "one\ntwo\nro\n", "in\n"))

    def test_tmpfs(self):
        self.run_it("RUN --mount=type=tmpfs,target=/t,size=1m df -k /t | tail -n 1 > /df; echo x > /t/x", "RUN test ! -e /t && echo gone > /gone")
        found = self.files()
        self.assertEqual(found["df"].content.split()[:2], ["tmpfs", "1024"])
        self.assertIn("gone", found)

    def test_secrets_are_seen_by_their_step_alone(self):
        with open(self.path("key"), "w") as file:
            file.write("TOP-SECRET-VALUE")
        os.environ["STRATA_TEST_TOKEN"] = "TOKEN-VALUE"
        self.addCleanup(os.environ.pop, "STRATA_TEST_TOKEN")
        options = ("--secret", f"id=key,src={self.path('key')}", "--secret", "id=tok,env=STRATA_TEST_TOKEN")
        lines = ("RUN --mount=type=secret,id=key --mount=type=secret,id=tok,env=TOK,target=/tok,mode=0444,uid=5 "
                 "wc -c < /run/secrets/key > /n; stat -c '%a %u' /run/secrets/key /tok > /meta; printf %s $TOK | wc -c >> /n; wc -c < /tok >> /n",
                 "RUN --mount=type=secret,id=absent ls /run > /run-list; test ! -e /run/secrets/absent; env | grep -c TOK >> /run-list || true")
        self.run_it(*lines, options=options)
        found = self.files()
        self.assertEqual(found["n"].content, "16\n11\n11\n")
        self.assertEqual(found["meta"].content, "400 0\n444 5\n")
        self.assertFalse({"run/secrets", "tok"} & set(found))
        with open(self.path("key"), "w") as file:
            file.write("another")
        self.assertEqual(self.run_it(*lines, options=options).count("Using cache"), 2, "a secret's value decides nothing")
        for folder, _, names in os.walk(self.path("store")):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    content = file.read()
                self.assertFalse(b"TOP-SECRET-VALUE" in content or b"TOKEN-VALUE" in content, os.path.join(folder, name))
        self.assertIn("secret zz not found: not found", self.refused(f"FROM {sample.BASE}\nRUN --mount=type=secret,id=zz,required true\n"))
        self.assertIn("could not parse secrets: [id=zz,src=nofile]: failed to stat nofile", self.refused("FROM scratch\n", (), "--secret", "id=zz,src=nofile"))

    def test_ssh_agent_is_reached(self):
        agent = socket.socket(socket.AF_UNIX)
        self.addCleanup(agent.close)
        agent.bind(self.path("agent"))
        agent.listen()

        def answer():
            while True:
                try:
                    connection, _ = agent.accept()
                except OSError:
                    return
                with connection:
                    while data := connection.recv(100):
                        connection.sendall(data.upper())

        threading.Thread(target=answer, daemon=True).start()
        subprocess.run(["cc", "-static", "-o", self.path("ask"), "-x", "c", "-"], input=ASK.encode(), check=True)
        with open(self.path("ask"), "rb") as file:
            files = {"ask": file.read()}
        lines = ["COPY --chmod=755 ask /bin/ask",
                 "RUN --mount=type=ssh echo $SSH_AUTH_SOCK > /name; stat -c '%F %a' $SSH_AUTH_SOCK >> /name; ask $SSH_AUTH_SOCK hello > /answer",
                 "RUN --mount=type=ssh,id=absent env | grep -c SSH > /none || true"]
        self.run_it(*lines, files=files, options=("--ssh", "default=" + self.path("agent")))
        found = self.files()
        self.assertEqual(found["name"].content, "/run/buildkit/ssh_agent.0\nsocket 600\n")
        self.assertEqual((found["answer"].content, found["none"].content), ("HELLO", "0\n"))
        self.assertIn('no SSH key "k" forwarded from the client', self.refused(f"FROM {sample.BASE}\nRUN --mount=type=ssh,id=k,required true\n"))
        agent.shutdown(socket.SHUT_RDWR)

    def test_network_and_security(self):
        self.build(f"FROM {sample.BASE}\nRUN --network=none ls /sys/class/net > /none\nRUN --network=host ls /sys/class/net > /host\nRUN grep CapEff /proc/self/status > /caps\n")
        found = self.files()
        self.assertEqual(found["none"].content, "lo\n")
        self.assertEqual(found["host"].content.split(), sorted(os.listdir("/sys/class/net")))
        insecure = f"FROM {sample.BASE}\nRUN --security=insecure grep CapEff /proc/self/status > /caps\n"
        self.assertIn("not allowed without --allow security.insecure", self.refused(insecure))
        self.build(insecure, (), "--allow", "security.insecure")
        self.assertGreater(int(self.files()["caps"].content.split()[1], 16), int(found["caps"].content.split()[1], 16))
        self.assertIn('invalid network mode "x"', self.refused(f"FROM {sample.BASE}\nRUN --network=x true\n"))

    def test_mounts_stand_in_the_history(self):
        self.run_it("ARG A=1", "RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --network=none true")
        self.assertEqual(self.created_by()[0], "|1 A=1 --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --network=none /bin/sh -c true")


class Stages(Language):
    """The graph of stages."""

    def setUp(self):
        super().setUp()
        self.use_busybox()

    def test_independent_stages_run_at_once_and_are_told_in_order(self):
        # Each waits for the other, through a cache that both see: one after the other would never end.
        meet = "RUN --mount=type=cache,target=/meet touch /meet/{0}; for i in $(seq 600); do test -e /meet/{1} && break; sleep 0.1; done; test -e /meet/{1} && echo met-{1} > /{0}"
        out = self.build(f"FROM {sample.BASE} AS a\n{meet.format('a', 'b')}\nFROM {sample.BASE} AS b\n{meet.format('b', 'a')}\n"
                         f"FROM {sample.BASE} AS unused\nRUN false\nFROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\n")
        found = self.files()
        self.assertEqual((found["a"].content, found["b"].content), ("met-b\n", "met-a\n"))
        steps = [line.split()[1] for line in out.splitlines() if line.startswith("Step ")]
        self.assertEqual(steps, [f"{i}/9" for i in range(1, 10)])
        self.assertEqual(out.count("Skipped (stage not needed)"), 2)

    def test_a_failing_stage_stops_the_others(self):
        error = self.refused(f"FROM {sample.BASE} AS slow\nRUN sleep 1000\nFROM {sample.BASE} AS bad\nRUN echo this-one; exit 7\n"
                             "FROM scratch\nCOPY --from=slow /x /\nCOPY --from=bad /x /\n")
        self.assertEqual(error, "The command '/bin/sh -c echo this-one; exit 7' returned a non-zero code: 7\n")

    def test_what_came_before_a_failure_is_cached(self):
        text = f"FROM {sample.BASE}\nRUN echo 1 > /1\nRUN echo 2 > /2\nRUN exit 3\n"
        self.refused(text)
        result = self.engine.run("build", "--network", "none", self.context({"Dockerfile": text}))
        self.assertEqual((result.code, result.out.count("Using cache")), (3, 2))

    def test_triggers_name_stages_of_the_child(self):
        self.build(f"FROM {sample.BASE}\nONBUILD COPY --from=given /f /taken\nONBUILD RUN --mount=from=given,target=/m cp /m/f /mounted\n"
                   "ONBUILD RUN true\n", tag="base:1")
        self.build(f"FROM {sample.BASE} AS given\nRUN echo f > /f\nFROM base:1\nRUN test -e /taken\n")
        found = self.files()
        self.assertEqual((found["taken"].content, found["mounted"].content), ("f\n", "f\n"))

    def test_many_stages_share_the_context_and_an_image(self):
        files = {f"d/{i}": str(i) for i in range(200)}
        stages = "".join(f"FROM {sample.BASE} AS s{i}\nCOPY d /d{i}\nCOPY --from={sample.BASE} /etc /e{i}\nRUN --mount=target=/c,source=d cat /c/7 > /f{i}\n" for i in range(6))
        self.build(stages + "FROM scratch\n" + "".join(f"COPY --from=s{i} /f{i} /\n" for i in range(6)), files)
        self.assertEqual({n: f.content for n, f in self.files().items() if n.startswith("f")}, {f"f{i}": "7" for i in range(6)})
        self.assert_store_sound()


if __name__ == "__main__":
    unittest.main()
