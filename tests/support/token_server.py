"""A token server of the test's own (distribution, docs/spec/auth/token.md) for Debian's docker-registry.

It signs with a key of its own and lets USERS in; what they may do is up to `allow`.
"""
import base64
import hashlib
import http.server
import json
import subprocess
import time
import urllib.parse

from tests.support.serving import Serving


def run(*words, stdin=b""):
    return subprocess.run(words, input=stdin, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def key_id(folder):
    """libtrust's name of a key: 12 groups of base32 of the first 240 bits of the sha256 of its public half (DER)."""
    der = run("openssl", "rsa", "-in", folder + "/token.key", "-pubout", "-outform", "DER")
    text = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    return ":".join(text[i:i + 4] for i in range(0, 48, 4))


class TokenServer(Serving):
    """Answers on the loopback device. `log` has the query of each request and the user. With `identity` it issues identity tokens."""

    ISSUER, SERVICE = "strata-test", "registry"

    def __init__(self, folder, users):
        self.folder, self.users, self.log, self.seconds, self.identity = folder, users, [], 300, False
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=token", "-days", "2",
            "-keyout", folder + "/token.key", "-out", folder + "/token.crt")
        self.key_id = key_id(folder)
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                kind, _, word = self.headers.get("Authorization", "").partition(" ")
                user, _, password = base64.b64decode(word).decode().partition(":") if kind == "Basic" else ("", "", "")
                server.log.append((query, user))
                if server.users.get(user) != password:
                    return self.answer(401, {"details": "incorrect username or password"})
                reply = {"token": server.token(query, user), "expires_in": server.seconds}
                if server.identity and query.get("offline_token") == ["true"]:
                    reply["refresh_token"] = "identity-of-" + user
                return self.answer(200, reply)

            def do_POST(self):
                """With an identity token (distribution, docs/spec/auth/oauth.md)."""
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                user = form.get("refresh_token", [""])[0].removeprefix("identity-of-")
                server.log.append((form, user))
                if form.get("grant_type") != ["refresh_token"] or user not in server.users:
                    return self.answer(401, {"error": "invalid_grant"})
                form["scope"] = " ".join(form.get("scope", [])).split()
                return self.answer(200, {"access_token": server.token(form, user), "expires_in": server.seconds})

            def answer(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.serve(Handler)
        self.url = f"http://127.0.0.1:{self.port}/token"

    def token(self, query, user):
        access = []
        for scope in query.get("scope", []):
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        now = int(time.time())
        claims = {"iss": self.ISSUER, "sub": user, "aud": self.SERVICE, "exp": now + self.seconds, "nbf": now - 10, "iat": now,
                  "jti": str(len(self.log)), "access": access}
        head = {"typ": "JWT", "alg": "RS256", "kid": self.key_id}
        text = b64(json.dumps(head).encode()) + "." + b64(json.dumps(claims).encode())
        return text + "." + b64(run("openssl", "dgst", "-sha256", "-sign", self.folder + "/token.key", stdin=text.encode()))

    def configuration(self):
        """What the registry must be told."""
        return (f"auth: {{token: {{realm: {self.url}, service: {self.SERVICE}, issuer: {self.ISSUER}, "
                f"rootcertbundle: {self.folder}/token.crt}}}}\n")
