#include "registry/endpoint.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/io.h"
#include "base/test_dir.h"
#include "registry/detail/hosts_toml.h"

namespace strata::registry {
namespace {

std::vector<std::string> urls(const Settings& settings, const std::string& domain) {
  std::vector<std::string> out;
  auto all = endpoints_of(settings, domain);
  if (!all) return {all.error().message()};
  for (const auto& endpoint : *all)
    out.push_back(endpoint.url + (endpoint.tls.verify ? "" : " unverified"));
  return out;
}

using Urls = std::vector<std::string>;

TEST(Endpoint, OfARegistry) {
  Settings settings;
  EXPECT_EQ(urls(settings, "docker.io"), Urls{"https://registry-1.docker.io/v2"});
  EXPECT_EQ(urls(settings, "quay.io"), Urls{"https://quay.io/v2"});
}

TEST(Endpoint, PlainHttpForThisMachineAndWhatIsListed) {
  Settings settings;
  settings.insecure = {"reg:5000", "10.0.0.0/8"};
  for (std::string host : {"localhost", "localhost:5000", "127.0.0.1:5000", "127.9.9.9",
                           "[::1]:5000", "reg:5000", "10.1.2.3:80"})
    EXPECT_EQ(urls(settings, host),
              (Urls{"https://" + host + "/v2 unverified", "http://" + host +
                                                              "/v2"
                                                              " unverified"}));
  for (std::string host : {"reg", "11.0.0.1", "localhost.example", "[::2]:5000"})
    EXPECT_EQ(urls(settings, host), Urls{"https://" + host + "/v2"});
  settings.tls_verify = true;
  EXPECT_EQ(urls(settings, "localhost"), Urls{"https://localhost/v2"});
  settings.tls_verify = false;
  EXPECT_EQ(urls(settings, "quay.io").size(), 2U);
}

TEST(Endpoint, MirrorsOfDockerHub) {
  Settings settings;
  settings.mirrors = {"https://mirror.example/", "http://127.0.0.1:1"};
  EXPECT_EQ(urls(settings, "docker.io"), (Urls{"https://mirror.example/v2", "http://127.0.0.1:1/v2",
                                               "https://registry-1.docker.io/v2"}));
  EXPECT_EQ(urls(settings, "quay.io"), Urls{"https://quay.io/v2"});
}

class CertsDir : public testing::Test {
 protected:
  void SetUp() override {
    settings_.certs_dirs = {dir_.path()};
    ASSERT_TRUE(make_dirs(dir_.fd(), "reg", 0755));
  }
  void write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(write_file(dir_.fd(), "reg/" + name, text, 0644));
  }

  TestDir dir_{"strata-certs-"};
  Settings settings_;
};

TEST_F(CertsDir, CertificatesAreDockers) {
  write("a.crt", "A");
  write("b.crt", "B");
  write("client.cert", "C");
  write("client.key", "K");
  auto all = endpoints_of(settings_, "reg");
  ASSERT_TRUE(all) << all.error().message();
  EXPECT_EQ(all->at(0).tls.authorities, "A\nB\n");
  EXPECT_TRUE(all->at(0).tls.certificate.ends_with("/reg/client.cert"));
  EXPECT_TRUE(all->at(0).tls.key.ends_with("/reg/client.key"));
  write("other.cert", "C");
  EXPECT_NE(
      urls(settings_, "reg")[0].find("missing key other.key for client certificate other.cert"),
      std::string::npos);
}

TEST_F(CertsDir, HostsAreContainerds) {
  write("ca.pem", "CA");
  write("hosts.toml",
        "server = \"https://reg\"\n[host.\"https://mirror:1\"]\n  capabilities = [\"pull\", "
        "\"resolve\"]\n  ca = 'ca.pem'\n[host.\"http://second/own\"]\n  override_path = true # x\n"
        "  skip_verify = true\n  capabilities = [\"pull\", \"resolve\", \"push\"]\n");
  auto all = endpoints_of(settings_, "reg");
  ASSERT_TRUE(all) << all.error().message();
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ(all->at(0).url, "https://mirror:1/v2");
  EXPECT_EQ(all->at(0).tls.authorities, "CA\n");
  EXPECT_TRUE(all->at(0).is_mirror);
  EXPECT_FALSE(all->at(0).can_push);
  EXPECT_EQ(all->at(0).name_space, "reg");
  EXPECT_EQ(all->at(1).url, "http://second/own");
  EXPECT_FALSE(all->at(1).tls.verify);
  EXPECT_TRUE(all->at(1).can_push);
  EXPECT_EQ(all->at(2).url, "https://reg/v2");
  EXPECT_FALSE(all->at(2).is_mirror);
  write("hosts.toml", "server = ");
  EXPECT_NE(urls(settings_, "reg")[0].find("hosts.toml: line 1: "), std::string::npos);
}

TEST(HostsToml, WhatIsWrongIsNamed) {
  auto message = [](std::string_view text) {
    auto parsed = detail::parse_hosts_toml(text);
    return parsed ? "no error" : parsed.error().message();
  };
  EXPECT_EQ(message(""), "no error");
  EXPECT_EQ(message("# only\n\n a.b.\"c\" = [1, [\"x\",\n], 1.5]\n[other]\nx = true\n"),
            "no error");
  EXPECT_EQ(message("\na"), "line 2: \"=\" is missing");
  EXPECT_EQ(message("a = \"x\n"), "line 1: a string does not end");
  EXPECT_EQ(message("a = [1"), "line 1: an array does not end");
  EXPECT_EQ(message("a = 1 2"), "line 1: something follows the value");
  EXPECT_EQ(message("[a"), "line 1: a table's name does not end");
  EXPECT_EQ(message("a = " + std::string(100, '[')), "line 1: arrays nest too deeply");
}

}  // namespace
}  // namespace strata::registry
