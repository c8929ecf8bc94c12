"""Git repositories as build contexts and as sources of ADD, from servers on the loopback device."""
import base64
import os
import signal
import socket
import subprocess
import unittest

from tests.support import layers, processes
from tests.support.case import PATIENCE, StoreCase
from tests.support.git import DATE, Daemon, Repository, SmartHttp
from tests.support.web import Web


class Git(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        os.mkdir(self.path("srv"))
        self.repository = Repository(self.path("srv/app.git"))
        self.first = self.repository.commit({"Dockerfile": "FROM scratch\nCOPY . /\n", "run.sh": ("#!/bin/sh\n", 0o755), "d/f": "one\n"})
        self.repository.git("tag", "-a", "-m", "x", "v1")
        os.symlink("f", self.path("srv/app.git/d/link"))
        self.second = self.repository.commit({"d/f": "two\n", "d/Dockerfile": "FROM scratch\nCOPY f /sub\n"}, DATE + 100)

    def serve(self, kind=Daemon, *arguments):
        server = kind(self.path("srv"), *arguments)
        self.addCleanup(server.stop)
        return server

    def build(self, context, *options, tag="t:1", **more):
        return self.engine("build", "-t", tag, *options, context, **more)

    def refused(self, context, *options, **more):
        result = self.engine.run("build", "-t", "refused:1", *options, context, **more)
        self.assertNotEqual(result.code, 0, result)
        self.assertEqual(self.engine("images", "-q", "refused"), "")
        self.assertEqual([name for name in os.listdir(self.path("store/strata")) if name.startswith(("git-", "context-", "add-"))], [])
        return result.err.rstrip("\n")

    def files(self, tag="t:1"):
        """name -> (mode, owner, mtime, content or link target)"""
        return {member.name.rstrip("/"): (member.mode, member.uid, int(member.mtime), text) for member, text in layers.members(self.engine, tag)}


class Contexts(Git):
    def test_a_repository_is_a_context(self):
        url = self.serve().url + "/app.git"
        out = self.build(url)
        self.assertIn("Sending build context to Docker daemon", out)
        time = DATE + 100
        self.assertEqual(self.files(), {
            "Dockerfile": (0o644, 0, time, "FROM scratch\nCOPY . /\n"), "run.sh": (0o755, 0, time, "#!/bin/sh\n"), "d": (0o755, 0, time, ""),
            "d/f": (0o644, 0, time, "two\n"), "d/link": (0o777, 0, time, "f"), "d/Dockerfile": (0o644, 0, time, "FROM scratch\nCOPY f /sub\n")})
        self.assertEqual(os.listdir(self.path("store/strata")), [n for n in os.listdir(self.path("store/strata")) if not n.startswith("git-")])
        self.assertEqual(self.build(url).count("Using cache"), 1)

    def test_refs_and_directories(self):
        url = self.serve().url + "/app.git"
        self.repository.git("checkout", "-q", "-b", "feature/x", self.first)
        third = self.repository.commit({"d/f": "three\n"})
        self.repository.git("checkout", "-q", "main")
        for ref, text in (("", "two"), ("main", "two"), ("v1", "one"), ("refs/tags/v1", "one"), ("feature/x", "three"), (self.first, "one"), (self.second[:10], "two"),
                          (third[:7], "three")):
            with self.subTest(ref):
                self.build(f"{url}#{ref}")
                self.assertEqual(self.files()["d/f"][3], text + "\n")
        for fragment in ("main:d", ":d", ":/d/", "main:./d"):
            with self.subTest(fragment):
                self.build(f"{url}#{fragment}")
                self.assertEqual({name: file[3] for name, file in self.files().items()}, {"sub": "two\n"})
        for query, text in (("?ref=v1", "one"), ("?tag=v1", "one"), ("?branch=feature/x", "three"), ("?commit=" + self.first, "one"),
                            (f"?branch=main&checksum={self.second[:8]}&submodules=false", "two")):
            with self.subTest(query):
                self.build(url + query)
                self.assertEqual(self.files()["d/f"][3], text + "\n")
        self.build(url + "?ref=main&subdir=d")
        self.assertEqual({name: file[3] for name, file in self.files().items()}, {"sub": "two\n"})
        self.build(url + "?ref=v1&keep-git-dir=true")
        self.assertIn(".git/HEAD", self.files())
        self.assertIn(f"commit mismatch: expected {self.first}, got {self.second}", self.refused(f"{url}?ref=main&commit={self.first}"))
        self.assertIn('unexpected query "a"', self.refused(url + "?a=b"))
        self.build(url, "-f", "-", stdin=b"FROM scratch\nCOPY d/f /stdin\n")
        self.assertEqual(list(self.files()), ["stdin"])

    def test_servers_of_http_and_of_plain_files(self):
        smart = self.serve(SmartHttp)
        self.build(smart.url + "/app.git#v1")
        self.assertEqual(self.files()["d/f"][3], "one\n")
        self.build(smart.url + "/app.git#" + self.first)
        # a server that knows nothing of git
        self.repository.git("repack", "-adq")
        self.repository.git("update-server-info")
        plain = Web()
        self.addCleanup(plain.stop)
        for folder, _, names in os.walk(self.path("srv/app.git/.git")):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    plain.pages["/app.git/" + os.path.relpath(path, self.path("srv/app.git/.git"))] = (200, {}, file.read())
        for ref, text in (("", "two\n"), ("#main", "two\n"), ("#v1", "one\n"), ("#" + self.first, "one\n"), ("#" + self.first[:8], "one\n")):
            with self.subTest(ref):
                self.build(plain.url + "/app.git" + ref)
                self.assertEqual(self.files()["d/f"][3], text)

    def test_the_git_directory_stays_if_asked_for_and_depends_on_the_commit_alone(self):
        url = self.serve().url + "/app.git"
        keep = ("--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1", "--no-cache")
        out = self.build(url, *keep)
        self.assertNotIn("not consumed", out)
        first = self.files()
        self.assertIn(".git/HEAD", first)
        self.assertEqual({file[2] for file in first.values()}, {DATE + 100})
        self.assertEqual([name for name in first if name.startswith((".git/hooks", ".git/logs"))], [])
        self.build(url, *keep)
        self.assertEqual(self.files(), first)

    def test_submodules_come_along(self):
        server = self.serve()
        module = Repository(self.path("srv/module.git"))
        module.commit({"inside": "module\n"})
        self.repository.git("-c", "protocol.git.allow=always", "submodule", "-q", "add", server.url + "/module.git", "m")
        self.repository.commit({})
        self.build(server.url + "/app.git")
        files = self.files()
        self.assertEqual(files["m/inside"], (0o644, 0, DATE, "module\n"))
        self.assertEqual([name for name in files if ".git" in name.split("/")], [])

    def test_submodules_cannot_read_files_of_this_machine(self):
        module = Repository(self.path("elsewhere"))
        module.commit({"secret": "secret\n"})
        self.repository.git("-c", "protocol.file.allow=always", "submodule", "-q", "add", self.path("elsewhere"), "m")
        self.repository.commit({})
        self.assertIn("error initializing submodules: fatal: ", self.refused(self.serve().url + "/app.git"))

    def test_ignore_files_count(self):
        self.repository.commit({".dockerignore": "d\n*.sh\n", "d/Dockerfile.dockerignore": "run.sh\n"})
        url = self.serve().url + "/app.git"
        self.build(url)
        self.assertEqual(set(self.files()), {"Dockerfile", ".dockerignore"})
        self.repository.commit({"d/Dockerfile": "FROM scratch\nCOPY . /\n"})
        self.build(url, "-f", "d/Dockerfile")
        self.assertIn("d/f", self.files())
        self.assertNotIn("run.sh", self.files())

    def test_a_folder_of_that_name_wins(self):
        folder = self.context({"Dockerfile": "FROM scratch\nCOPY x /\n", "x": "x"}, "context/git@host:x")
        self.engine("build", "-t", "t:1", "git@host:x", cwd=os.path.dirname(folder))
        self.assertEqual(list(self.files()), ["x"])

    def test_errors_are_one_line(self):
        url = self.serve().url
        fetch = "unable to prepare context: unable to 'git clone' to temporary context directory: error fetching: fatal: "
        self.assertEqual(self.refused(url + "/app.git#nope"), fetch + "couldn't find remote ref nope")
        self.assertIn(fetch, self.refused(url + "/nope.git"))
        self.assertEqual(self.refused(url + "/app.git#main:nope"), "unable to prepare context: error setting context, not a directory: nope")
        self.assertEqual(self.refused(url + "/app.git#main:Dockerfile"), "unable to prepare context: error setting context, not a directory: Dockerfile")
        self.assertEqual(self.refused(url + "/app.git", "-f", "nope"), "Cannot locate specified Dockerfile: nope")
        self.assertIn(fetch, self.refused(url + "/app.git#" + "0" * 40))
        self.assertEqual(self.refused("file://" + self.repository.path), f'unable to prepare context: path "file://{self.repository.path}" not found')
        self.assertIn(fetch, self.refused("http://127.0.0.1:1/x.git"))

    def test_nothing_becomes_an_option_or_a_command(self):
        url = self.serve().url
        touched = self.path("touched")
        self.assertEqual(self.refused(f"{url}/app.git#--upload-pack=touch {touched}"),
                         f'unable to prepare context: "--upload-pack=touch {touched}": not the name of a git branch, tag or commit')
        self.refused(f"ssh://-oProxyCommand=touch%20{touched}/x.git")
        self.refused(f"ext::sh -c touch% {touched} .git")
        self.assertFalse(os.path.exists(touched))

    def test_a_link_does_not_lead_out(self):
        os.symlink("/etc", self.path("srv/app.git/out"))
        self.repository.commit({"Dockerfile": "FROM scratch\nCOPY out/passwd /\n"})
        self.assertIn("COPY failed", self.refused(self.serve().url + "/app.git"))
        self.assertIn("not a directory: out", self.refused(self.serve().url + "/app.git#:out"))

    def test_nobody_is_asked_for_a_password_and_none_is_shown(self):
        server = self.serve(SmartHttp, "me:word")
        url = server.url + "/app.git"
        self.assertIn("terminal prompts disabled", self.refused(url))
        wrong = self.refused(url.replace("//", "//me:wrong@"))
        self.assertNotIn("wrong", wrong)
        self.build(url.replace("//", "//me:word@"))
        self.assertIn("d/f", self.files())

    def test_secrets_let_a_fetch_in(self):
        server = self.serve(SmartHttp, "x-access-token:word")
        url = server.url + "/app.git"
        with open(self.path("token"), "w") as file:
            file.write("word\n")
        self.build(url + "?tag=v1", "--secret", "id=GIT_AUTH_TOKEN,src=" + self.path("token"))
        self.assertEqual(self.files()["d/f"][3], "one\n")
        header = "Basic " + base64.b64encode(b"x-access-token:word").decode()
        folder = self.context({"Dockerfile": f"FROM scratch\nADD {url}?branch=main /src\n", "header": header})
        self.build(folder, "--secret", f"id=GIT_AUTH_HEADER.127.0.0.1:{server.port},src={folder}/header")
        self.assertEqual(self.files()["src/d/f"][3], "two\n")
        self.build(self.context({"Dockerfile": "FROM scratch\nCOPY --from=app d/f /f\n"}), "--build-context", "app=" + url, "--secret",
                   "id=GIT_AUTH_TOKEN,src=" + self.path("token"))
        # Another host's secret stays unseen.
        self.assertIn("terminal prompts disabled", self.refused(url, "--secret", "id=GIT_AUTH_TOKEN.example.org,src=" + self.path("token")))

    def test_hooks_and_settings_of_the_user_do_not_count(self):
        os.makedirs(self.path("home/hooks"))
        for hook in ("post-checkout", "reference-transaction"):
            with open(self.path("home/hooks", hook), "w") as file:
                file.write(f"#!/bin/sh\ntouch {self.path('touched')}\n")
            os.chmod(self.path("home/hooks", hook), 0o755)
        with open(self.path("home/.gitconfig"), "w") as file:
            file.write(f"[core]\nhooksPath = {self.path('home/hooks')}\nautocrlf = true\n[init]\ntemplateDir = {self.path('home')}\n")
        url = self.serve().url + "/app.git"
        old = os.environ.get("HOME")
        os.environ |= {"HOME": self.path("home"), "GIT_DIR": "/nonexistent", "GIT_WORK_TREE": "/nonexistent"}
        try:
            self.build(url)
        finally:
            for name in ("GIT_DIR", "GIT_WORK_TREE", "HOME"):
                del os.environ[name]
            if old:
                os.environ["HOME"] = old
        self.assertEqual(self.files()["d/f"][3], "two\n")
        self.assertFalse(os.path.exists(self.path("touched")))

    def test_git_missing_is_said(self):
        class NoGit(type(self.engine)):
            def environment(self):
                return super().environment() | {"PATH": "/nonexistent"}

        result = NoGit(self.engine.root).run("build", "git://127.0.0.1:1/x")
        self.assertEqual((result.code, result.err),
                         (1, "unable to prepare context: unable to find 'git': exec: \"git\": executable file not found in $PATH\n"))


    def test_a_signal_ends_the_fetch_too(self):
        """The server takes the connection and never answers."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            for url in (f"git://127.0.0.1:{port}/x", f"http://127.0.0.1:{port}/x.git"):
                with self.subTest(url):
                    process = self.engine.popen("build", url, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    connection, _ = silent.accept()
                    with connection:
                        process.send_signal(signal.SIGINT)
                        _, err = process.communicate(timeout=PATIENCE)
                        # While the connection is open: git and what it started do not end by themselves.
                        self.wait_until(lambda: not processes.naming(f"127.0.0.1:{port}"), "the end of git")
                    self.assertEqual(process.returncode, 130, err)
                    self.assertEqual([name for name in os.listdir(self.path("store/strata")) if name.startswith("git-")], [])


class Add(Git):
    def add(self, line, *options, tag="t:1"):
        return self.engine("build", "-t", tag, *options, self.context({"Dockerfile": "FROM scratch\n" + line + "\n"}))

    def refused_add(self, line):
        return self.refused(self.context({"Dockerfile": "FROM scratch\n" + line + "\n"}))

    def test_a_repository_comes_without_its_git_directory(self):
        url = self.serve().url + "/app.git"
        self.add(f"ADD {url} /src")
        files = self.files()
        self.assertEqual({name for name in files}, {"src", "src/Dockerfile", "src/run.sh", "src/d", "src/d/f", "src/d/link", "src/d/Dockerfile"})
        self.assertEqual((files["src/run.sh"], files["src/d/link"]), ((0o755, 0, DATE + 100, "#!/bin/sh\n"), (0o777, 0, DATE + 100, "f")))
        self.assertEqual(self.add(f"ADD {url} /src").count("Using cache"), 1)
        self.repository.commit({"d/f": "new\n"})
        self.assertEqual(self.add(f"ADD {url} /src").count("Using cache"), 0)
        self.assertEqual(self.files()["src/d/f"][3], "new\n")

    def test_flags(self):
        url = self.serve().url + "/app.git"
        self.add(f"ADD --keep-git-dir=true {url}#v1 /src/")
        self.assertIn("src/.git/HEAD", self.files())
        self.assertIn(f"{self.first}", self.files()["src/.git/HEAD"][3])
        self.add(f"ADD --chmod=600 --exclude=*.sh {url}#main:d /src/")
        self.assertEqual({n: f[0] for n, f in self.files().items()}, {"src": 0o755, "src/f": 0o600, "src/link": 0o777, "src/Dockerfile": 0o600})
        self.add(f"ARG REF=v1\nADD {url}#${{REF}} /src/")
        self.assertEqual(self.files()["src/d/f"][3], "one\n")

    def test_checksum_is_the_commit(self):
        url = self.serve().url + "/app.git"
        self.add(f"ADD --checksum={self.second} {url} /src")
        self.add(f"ADD --checksum={self.first[:12]} {url}#v1 /src")
        self.engine("rmi", "t:1")
        self.assertEqual(self.refused_add(f"ADD --checksum={self.first} {url} /src"),
                         f"ADD failed: {url}: commit mismatch: expected {self.first}, got {self.second}")
        self.assertEqual(self.refused_add(f"ADD --checksum=sha256:{'0' * 64} {url} /src"), f'--checksum: "sha256:{"0" * 64}" is no commit')
        self.assertEqual(self.refused_add("ADD --keep-git-dir Dockerfile /src"), "ADD failed: --keep-git-dir: not a git repository: Dockerfile")

    def test_copy_takes_none(self):
        self.assertIn("source can't be a git ref for COPY", self.refused_add("COPY git://127.0.0.1:1/x /src"))

    def test_errors_name_the_repository(self):
        url = self.serve().url + "/app.git"
        self.assertEqual(self.refused_add(f"ADD {url}#nope /src"),
                         f"ADD failed: {url}#nope: unable to 'git clone' to temporary context directory: error fetching: fatal: couldn't find remote ref nope")


if __name__ == "__main__":
    unittest.main()
