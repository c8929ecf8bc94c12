"""Git repositories of a test's own, and servers for them on the loopback device."""
import http.server
import os
import socketserver
import subprocess

from tests.support.serving import Serving

DATE = 1_500_000_000  # of every commit
WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
       "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "LC_ALL": "C"}


class Repository:
    """A work tree whose commits are the same on every machine."""

    def __init__(self, path):
        self.path = path
        os.makedirs(path)
        self.git("init", "-q", "-b", "main")
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")

    def git(self, *arguments, date=DATE, **options):
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **WHO,
               "GIT_AUTHOR_DATE": f"{date} +0000", "GIT_COMMITTER_DATE": f"{date} +0000"}
        done = subprocess.run(["git", "-C", self.path, *arguments], env=env, check=True, stdout=subprocess.PIPE, text=True, **options)
        return done.stdout.strip()

    def commit(self, files, date=DATE):
        """Writes the files (name -> text, or (text, mode), or None to remove) and commits all. The commit."""
        for name, content in files.items():
            path = os.path.join(self.path, name)
            if content is None:
                os.unlink(path)
                continue
            text, mode = content if isinstance(content, tuple) else (content, 0o644)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as out:
                out.write(text)
            os.chmod(path, mode)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x", date=date)
        return self.git("rev-parse", "HEAD")


class Daemon(Serving):
    """Serves the repositories below `base` at `url`, with git's own protocol; each connection is a `git daemon` of its own."""

    def __init__(self, base):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                subprocess.run(["git", "daemon", "--inetd", "--export-all", "--base-path=" + base, base], stdin=self.request, stdout=self.request,
                               stderr=subprocess.DEVNULL, check=False, env=os.environ | WHO | SAFE)

        self.serve(Handler, socketserver.ThreadingTCPServer)
        self.url = f"git://127.0.0.1:{self.port}"


SAFE = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}


class SmartHttp(Serving):
    """Serves the repositories below `base` with git-http-backend. With `password`, "user:word" is asked for."""

    def __init__(self, base, password=None):
        self.asked = []
        smart = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self):
                import base64
                smart.asked.append(self.path)
                given = self.headers.get("Authorization", "").removeprefix("Basic ")
                if password and base64.b64decode(given).decode() != password:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="x"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                env = os.environ | WHO | SAFE | {
                    "GIT_PROJECT_ROOT": base, "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "127.0.0.1",
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "GIT_PROTOCOL": self.headers.get("Git-Protocol", "")}
                done = subprocess.run(["git", "http-backend"], input=body, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
                head, _, content = done.stdout.partition(b"\r\n\r\n")
                fields = [line.split(": ", 1) for line in head.decode().splitlines()]
                status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
                self.send_response(status)
                for name, value in fields:
                    if name != "Status":
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer

        self.serve(Handler)
        self.url = f"http://127.0.0.1:{self.port}"
