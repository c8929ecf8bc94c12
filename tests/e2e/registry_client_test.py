"""What a registry client meets beside pull and push: lists, referrers, removal, warnings, limits of rate, certificates, proxies, identity tokens."""
import base64
import json
import os
import re
import unittest

from tests.support.case import IN_MEMORY
from tests.support.fake_registry import digest_of
from tests.support.proxy import Proxy
from tests.support.registry_case import RegistryCase
from tests.support.token_server import TokenServer

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


def referrers_of(subject, *types):
    """An index of things that refer to a manifest, and the things themselves."""
    manifests = [json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": kind, "subject": {"digest": subject}}).encode()
                 for kind in types]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        {"mediaType": OCI_MANIFEST, "digest": digest_of(data), "size": len(data), "artifactType": kind, "annotations": {"for": "test"}}
        for kind, data in zip(types, manifests)]}).encode()


class ClientCase(RegistryCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.engine = self.strata()

    def pushed(self, server, name="x:1"):
        name = f"{server.host}/{name}"
        self.build(self.engine, name, big=3000)
        self.engine("push", "-q", name)
        return name

    def error(self, *words):
        done = self.engine.run(*words)
        self.assertEqual((done.code, done.out), (1, ""), done)
        return done.err.rstrip("\n")


class Lists(ClientCase):
    def test_tags_over_several_pages(self):
        server = self.registry()
        name = self.pushed(server)
        repository = server.host + "/x"
        for tag in ("2", "3", "latest"):
            self.engine("tag", name, f"{repository}:{tag}")
        self.engine("push", "-q", "-a", repository)
        self.assertEqual(sorted(self.engine("registry", "tags", repository).split()), ["1", "2", "3", "latest"])
        self.assertIn("repository name not known", self.error("registry", "tags", server.host + "/none"))
        fake = self.fake()
        pages = {"": (b'{"tags":["a","b"]}', "2"), "2": (b'{"tags":["c","not a tag"]}', "3"), "3": (b'{"tags":null}', "")}

        def page(handler):
            body, after = pages[handler.path.partition("?last=")[2]]
            handler.reply(200, body, **({"Link": f'</v2/x/tags/list?last={after}>; rel="next"'} if after else {}))
        page.kind = "tags"
        fake.faults += [page] * 3
        self.assertEqual(self.engine("registry", "tags", fake.host + "/x").split(), ["a", "b", "c"])

    def test_referrers_by_the_api(self):
        fake = self.fake()
        manifest = b'{"schemaVersion":2,"config":{}}'
        subject = digest_of(manifest)
        fake.manifests["1"] = (OCI_MANIFEST, manifest)
        index = referrers_of(subject, "application/example.signature", "application/example.sbom")

        def list_them(handler):
            handler.reply(200, index, Content_Type=OCI_INDEX)
        list_them.kind = "referrers"
        fake.faults += [list_them] * 3
        rows = self.engine("registry", "referrers", fake.host + "/x:1").splitlines()
        self.assertEqual([row.split()[1:2] for row in rows[1:]], [["application/example.signature"], ["application/example.sbom"]])
        one = self.engine("registry", "referrers", "-q", "--artifact-type", "application/example.sbom", f"{fake.host}/x@{subject}")
        self.assertEqual(one, json.loads(index)["manifests"][1]["digest"])
        self.assertEqual(fake.log[-1][1], f"/v2/x/referrers/{subject}?artifactType=application%2Fexample.sbom")
        self.assertEqual(self.engine("registry", "referrers", "--format", "{{.Annotations}}", fake.host + "/x:1"), "for=test\nfor=test")

    def test_referrers_by_the_tag_that_stands_in(self):
        server = self.registry()
        name = self.pushed(server)
        self.assertEqual(self.engine("registry", "referrers", "-q", name), "")
        subject = digest_of(server.manifest("x", "1")[0])
        blob = self.path("blob")
        # An artifact as its maker puts it there: itself, and an index under sha256-<hex>.
        with open(blob, "wb") as file:
            file.write(b"signature")
        config, layer = b"{}", b"signature"
        artifact = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {
            "mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(config), "size": 2}, "layers": [
                {"mediaType": "text/plain", "digest": digest_of(layer), "size": len(layer)}]}).encode()
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
            {"mediaType": OCI_MANIFEST, "digest": digest_of(artifact), "size": len(artifact), "artifactType": "example/signature"}]}).encode()
        fake = self.fake()
        fake.blobs = {digest_of(data): data for data in (config, layer)}
        fake.manifests = {"1": (OCI_INDEX, index), digest_of(artifact): (OCI_MANIFEST, artifact)}
        self.engine("copy", "-q", "--all", f"docker://{fake.host}/x:1", f"docker://{server.host}/x:{subject.replace(':', '-')}")
        self.assertEqual(self.engine("registry", "referrers", "--format", "{{.Digest}} {{.ArtifactType}}", name),
                         f"{digest_of(artifact)} example/signature")
        self.engine("copy", "-q", f"docker://{server.host}/x@{digest_of(artifact)}", f"oci:{self.path('layout')}")

    def test_removal(self):
        server = self.registry()
        name = self.pushed(server)
        digest = digest_of(server.manifest("x", "1")[0])
        by_digest = f"{server.host}/x@{digest}"
        # This registry removes no tags alone; it says what can be done.
        self.assertEqual(self.error("registry", "rm", name),
                         f"{name}: the registry removes manifests, and no tags alone; {by_digest} with all of its tags can be removed")
        self.assertEqual(self.engine("registry", "rm", by_digest), "Deleted: " + by_digest)
        self.assertIn("manifest unknown", self.error("registry", "rm", by_digest))
        self.assertIn("not found", self.error("pull", name))
        self.assertIn("must say what is to be removed", self.error("registry", "rm", server.host + "/x"))
        fake = self.fake()

        def remove(handler):
            handler.reply(202)
        remove.kind = "manifests"
        fake.faults.append(remove)
        self.assertEqual(self.engine("registry", "rm", fake.host + "/x:1"), f"Untagged: {fake.host}/x:1")
        self.assertEqual(fake.log[-1][:2], ("DELETE", "/v2/x/manifests/1"))


class Answers(ClientCase):
    def test_warnings_are_shown_once_each(self):
        server = self.registry()
        name = self.pushed(server)
        fake = self.fake()
        fake.take(server, "x", "1")
        fake.headers = {"Warning": '299 - "this registry moves away", 299 - "\\"x\\" is old", 110 - "stale"'}
        done = self.engine.run("pull", "-q", fake.host + "/x:1")
        self.assertEqual((done.code, done.err.splitlines()), (0, [
            f"WARNING: {fake.host}: this registry moves away", f'WARNING: {fake.host}: "x" is old']), done)
        self.assertEqual(done.out, f"{fake.host}/x:1\n")
        self.assertEqual(self.engine.run("pull", "-q", name).err, "")

    def test_a_limit_of_rate_is_waited_for(self):
        fake = self.fake()
        manifest = b'{"schemaVersion":1}'
        fake.manifests["1"] = (OCI_MANIFEST, manifest)

        def busy(handler):
            handler.reply(429, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}', Retry_After="0")
        busy.kind = "manifests"
        fake.faults.append(busy)
        # Asked again, and then it is of schema 1, which is refused clearly.
        self.assertEqual(self.error("pull", "-q", fake.host + "/x:1").partition("it is of schema 1")[1:],
                         ("it is of schema 1", ", which is no longer supported: push it again with a docker of 1.10 or later"))
        self.assertEqual(len(fake.requests("/manifests/")), 2)
        # Somebody who is always busy is told of in the registry's words.
        fake.faults[:] = [busy] * 5
        self.assertIn("toomanyrequests: slow down", self.error("pull", "-q", fake.host + "/x:1"))
        self.assertEqual(len(fake.requests("/manifests/")), 7)


class Ways(ClientCase):
    def test_a_registry_that_wants_certificates(self):
        cert = self.certificate("registry", "subjectAltName=IP:127.0.0.1")
        client = self.certificate("client", "extendedKeyUsage=clientAuth")
        server = self.registry(tls=(*cert, self.path("ca.crt")))
        certs = self.path("home/.config/docker/certs.d", server.host)
        os.makedirs(certs)
        os.link(self.path("ca.crt"), certs + "/ca.crt")
        name = server.host + "/x:1"
        self.build(self.engine, name, big=3000)
        # TLS 1.3: the server says no when the request is on its way already, so what is heard of it depends.
        self.assertRegex(self.error("registry", "tags", "--tls-verify", server.host + "/x"), f'^Get "https://{server.host}/v2/": ')
        os.link(client[0], certs + "/client.cert")
        self.assertIn("missing key client.key for client certificate client.cert", self.error("registry", "tags", server.host + "/x"))
        os.link(client[1], certs + "/client.key")
        self.engine("push", "-q", name)
        os.remove(certs + "/client.cert")
        with open(certs + "/hosts.toml", "w") as file:
            file.write(f'server = "https://{server.host}"\nca = "{self.path("ca.crt")}"\nclient = [["{client[0]}", "{client[1]}"]]\n')
        self.assertEqual(self.engine("registry", "tags", server.host + "/x"), "1")

    def test_http_2_over_tls_and_http_1_1_without(self):
        cert = self.certificate("registry", "subjectAltName=IP:127.0.0.1")
        secure = self.registry(tls=cert)
        certs = self.path("home/.config/docker/certs.d", secure.host)
        os.makedirs(certs)
        os.link(self.path("ca.crt"), certs + "/ca.crt")
        for server, spoken in ((secure, "HTTP/2.0"), (self.registry("plain"), "HTTP/1.1")):
            name = server.host + "/x:1"
            image = self.build(self.engine, name)
            self.engine("push", "-q", name)
            other = self.strata("pulled-by-" + spoken[5])
            other("pull", "-q", name)
            self.assertEqual(other("images", "-q", "--no-trunc", name), image)
            self.assertEqual(set(re.findall(r'"(?:GET|HEAD|POST|PUT|PATCH) [^ ]+ (HTTP/[0-9.]+)"', server.log())), {spoken}, server.log())

    def through(self, **environment):
        """An engine that is told of proxies."""
        engine = self.strata("through")
        inner = engine.environment
        engine.environment = lambda: {k: v for k, v in inner().items() if k.lower() not in ("http_proxy", "https_proxy", "no_proxy")} | environment
        return engine

    def test_proxies(self):
        plain = self.registry()
        name = self.pushed(plain)
        proxy = Proxy(plain.host)
        self.addCleanup(proxy.stop)
        there = "registry.invalid/x:1"
        for variable in ("HTTP_PROXY", "http_proxy"):
            engine = self.through(**{variable: f"http://{proxy.host}"})
            proxy.log.clear()
            engine("pull", "-q", "--tls-verify=false", there)
            self.assertIn(("GET", "http://registry.invalid/v2/x/manifests/1"), proxy.log)
            engine("rmi", there)
        # This machine is never reached through one, and neither is what NO_PROXY says.
        proxy.log.clear()
        engine("pull", "-q", name)
        engine = self.through(HTTP_PROXY=f"http://{proxy.host}", NO_PROXY="other.invalid,registry.invalid")
        self.assertIn("no such host", engine.run("pull", "-q", "--tls-verify=false", there).err)
        self.assertEqual(proxy.log, [])

    def test_a_proxy_with_a_password_and_tls_through_it(self):
        cert = self.certificate("registry", "subjectAltName=DNS:registry.invalid")
        server = self.registry(tls=cert)
        proxy = Proxy(server.host, password="Basic " + base64.b64encode(b"bob:secret").decode())
        self.addCleanup(proxy.stop)
        certs = self.path("home/.config/docker/certs.d/registry.invalid")
        os.makedirs(certs)
        os.link(self.path("ca.crt"), certs + "/ca.crt")
        engine = self.through(HTTPS_PROXY=f"http://bob:secret@{proxy.host}")
        there = "registry.invalid/x:1"
        self.build(engine, there, big=3000)
        engine("push", "-q", there)
        self.assertEqual(engine("registry", "tags", "registry.invalid/x"), "1")
        self.assertEqual({entry for entry in proxy.log}, {("CONNECT", "registry.invalid:443")})
        engine = self.through(HTTPS_PROXY=f"http://{proxy.host}")
        self.assertIn("407", engine.run("registry", "tags", "registry.invalid/x").err)

    def test_identity_tokens_stand_in_for_the_password(self):
        tokens = TokenServer(self.folder, {"bob": "secret"})
        tokens.identity = True
        self.addCleanup(tokens.stop)
        server = self.registry(extra=tokens.configuration())
        self.engine("login", "-u", "bob", "--password-stdin", server.host, stdin=b"secret")
        with open(self.path("home/.docker/config.json")) as file:
            known = json.load(file)["auths"][server.host]
        self.assertEqual(known["identitytoken"], "identity-of-bob")
        self.assertNotIn("secret", base64.b64decode(known["auth"]).decode())
        tokens.log.clear()
        name = self.pushed(server, "team/app:1")
        self.assertEqual([(query.get("grant_type"), user) for query, user in tokens.log], [(["refresh_token"], "bob")])
        self.strata("second")("pull", "-q", name)
        del tokens.users["bob"]
        self.assertIn("invalid_grant", self.strata("third").run("pull", "-q", name).err)


if __name__ == "__main__":
    unittest.main()
