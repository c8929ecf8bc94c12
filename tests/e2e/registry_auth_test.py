"""Who may pull and push: basic and token authentication, `login`, `logout`, what docker's configuration knows."""
import base64
import json
import os
import unittest

from tests.support.registry_case import RegistryCase
from tests.support.token_server import TokenServer

BCRYPT = "$2y$05$icH9nhACIlmw42q7J/mbEevqHDjA.IxZcKujPq0BhbmuzBHP.6hpy"
HELPER = """#!/usr/bin/python3
import json, os, sys
path = "{folder}/vault.json"
vault = json.load(open(path)) if os.path.exists(path) else {{}}
said = sys.stdin.read()
if sys.argv[1] == "get":
    if said.strip() not in vault:
        print("credentials not found in native keychain")
        sys.exit(1)
    print(json.dumps(vault[said.strip()]))
elif sys.argv[1] == "store":
    entry = json.loads(said)
    vault[entry["ServerURL"]] = entry
    json.dump(vault, open(path, "w"))
elif sys.argv[1] == "erase":
    vault.pop(said.strip(), None)
    json.dump(vault, open(path, "w"))
"""


class Auth(RegistryCase):
    def htpasswd(self):
        with open(self.path("htpasswd"), "w") as file:
            file.write("bob:" + BCRYPT + "\n")
        return f"auth: {{htpasswd: {{realm: basic, path: {self.path('htpasswd')}}}}}\n"

    def config(self):
        with open(self.path("home/.docker/config.json")) as file:
            return json.load(file)

    def test_basic(self):
        server = self.registry(extra=self.htpasswd())
        engine = self.strata()
        name = server.host + "/x:1"
        self.build(engine, name)
        done = engine.run("push", name)
        self.assertEqual((done.code, done.err), (1, "no basic auth credentials\n"), done)
        done = engine.run("pull", server.host + "/x:2")
        self.assertEqual(done.err, f'Error response from daemon: Get "http://{server.host}/v2/x/manifests/2": no basic auth credentials\n')
        done = engine.run("login", "-u", "bob", "--password-stdin", server.host, stdin=b"wrong\n")
        self.assertEqual((done.code, done.err), (
            1, f"Error response from daemon: login attempt to http://{server.host}/v2/ failed with status: 401 Unauthorized\n"), done)
        done = engine.run("login", "-u", "bob", "-p", "secret", server.host)
        self.assertEqual((done.code, done.out), (0, "Login Succeeded\n"), done)
        self.assertEqual(done.err.splitlines()[:2], [
            "WARNING! Using --password via the CLI is insecure. Use --password-stdin.",
            f"WARNING! Your password will be stored unencrypted in {self.path('home/.docker/config.json')}."])
        self.assertEqual(self.config(), {"auths": {server.host: {"auth": base64.b64encode(b"bob:secret").decode()}}})
        self.assertEqual(os.stat(self.path("home/.docker/config.json")).st_mode & 0o777, 0o600)
        engine("push", name)
        self.strata("second")("pull", name)
        self.assertEqual(engine("logout", server.host), "Removing login credentials for " + server.host)
        self.assertEqual(engine("logout", server.host), "Not logged in to " + server.host)
        self.assertEqual(engine.run("push", name).code, 1)

    def test_login_mistakes(self):
        engine = self.strata()
        for words, error in [(["-p", "x", "--password-stdin"], "--password and --password-stdin are mutually exclusive"),
                             (["--password-stdin"], "Must provide --username with --password-stdin"),
                             ([], "Error: Cannot perform an interactive login from a non TTY device")]:
            done = engine.run("login", *words)
            self.assertEqual((done.code, done.err.splitlines()[-1]), (1, error), done)

    def test_helpers_and_podmans_file(self):
        server = self.registry(extra=self.htpasswd())
        engine = self.strata()
        name = server.host + "/x:1"
        self.build(engine, name)
        with open(self.path("home/auth.json"), "w") as file:
            json.dump({"auths": {server.host + "/x": {"auth": base64.b64encode(b"bob:secret").decode()}}}, file)
        engine("push", name)
        os.remove(self.path("home/auth.json"))
        self.assertEqual(engine.run("push", name).code, 1)
        helper = self.path("home/docker-credential-test")
        with open(helper, "w") as file:
            file.write(HELPER.format(folder=self.path("home")))
        os.chmod(helper, 0o755)
        os.makedirs(self.path("home/.docker"))
        with open(self.path("home/.docker/config.json"), "w") as file:
            json.dump({"credHelpers": {server.host: "test"}, "other": 1}, file)
        done = engine.run("login", "-u", "bob", "--password-stdin", server.host, stdin=b"secret")
        self.assertEqual((done.code, done.out, done.err), (0, "Login Succeeded\n", ""), done)
        self.assertEqual(self.config(), {"credHelpers": {server.host: "test"}, "other": 1})
        engine("push", name)
        self.assertEqual(engine("logout", server.host), "Removing login credentials for " + server.host)
        self.assertEqual(engine.run("push", name).err, "no basic auth credentials\n")

    def test_tokens(self):
        tokens = TokenServer(self.folder, {"bob": "secret"})
        self.addCleanup(tokens.stop)
        server = self.registry(extra=tokens.configuration())
        engine = self.strata()
        name = server.host + "/team/app:1"
        self.build(engine, name)
        done = engine.run("push", name)
        self.assertEqual((done.code, done.err), (1, "unauthorized: incorrect username or password\n"), done)
        engine("login", "-u", "bob", "--password-stdin", server.host, stdin=b"secret")
        tokens.log.clear()
        engine("push", name)
        self.assertEqual([query["scope"] for query, user in tokens.log], [["repository:team/app:pull,push"]])
        tokens.log.clear()
        self.strata("second")("pull", name)
        self.assertEqual([query["scope"] for query, user in tokens.log], [["repository:team/app:pull"]])
        engine("tag", name, server.host + "/other:1")
        tokens.log.clear()
        self.assertIn("Mounted from team/app", engine("push", server.host + "/other:1"))
        self.assertIn(["repository:other:pull,push", "repository:team/app:pull"], [query["scope"] for query, user in tokens.log])

    def test_no_other_host_sees_the_password(self):
        fake, other = self.fake(), self.fake()
        engine = self.strata()
        os.makedirs(self.path("home/.docker"))
        with open(self.path("home/.docker/config.json"), "w") as file:
            json.dump({"auths": {fake.host: {"auth": base64.b64encode(b"bob:secret").decode()}}}, file)

        def challenge(handler):
            if handler.headers.get("Authorization") is None:
                handler.reply(401, WWW_Authenticate='Basic realm="x"')
            else:
                handler.reply(307, Location=f"http://{other.host}{handler.path}")
        challenge.kind = "manifests"
        fake.faults += [challenge] * 2
        self.assertEqual(engine.run("pull", fake.host + "/x:1").code, 1)
        self.assertEqual(len(other.requests("/manifests/")), 1)
        self.assertEqual([headers for _, _, headers in other.log if "Authorization" in headers], [])

    def test_tls_with_an_authority_of_its_own(self):
        server = self.registry(tls=self.certificate("registry", "subjectAltName=IP:127.0.0.1"))
        engine = self.strata()
        name = server.host + "/x:1"
        self.build(engine, name)
        done = engine.run("push", "--tls-verify", name)
        self.assertEqual((done.code, done.err), (
            1, f'Get "https://{server.host}/v2/": x509: certificate signed by unknown authority\n'), done)
        engine("push", "--tls-verify=false", name)
        certs = self.path("home/.config/docker/certs.d", server.host)
        os.makedirs(certs)
        os.link(self.path("ca.crt"), os.path.join(certs, "ca.crt"))
        self.strata("second")("pull", "--tls-verify", name)
        os.remove(os.path.join(certs, "ca.crt"))
        with open(os.path.join(certs, "hosts.toml"), "w") as file:
            file.write(f'server = "https://{server.host}"\n# the mirror is down\n[host."http://127.0.0.1:1"]\n  capabilities = ["pull", "resolve"]\n'
                       f'[host."https://{server.host}"]\n  ca = "{self.path("ca.crt")}"\n')
        self.strata("third")("pull", name)


# htpasswd -nbB bob secret


if __name__ == "__main__":
    unittest.main()
