#include "runtime/bundle.h"

#include <gtest/gtest.h>
#include <linux/capability.h>

#include "image/json.h"
#include "runtime/seccomp.h"

namespace strata {
namespace {

Json config_of(const ContainerSpec& spec) {
  auto json = Json::parse(oci_config(spec));
  EXPECT_TRUE(json);
  return *json;
}

const Json* mount_at(const Json& config, std::string_view target) {
  const Json* found = nullptr;
  for (const auto& m : config["mounts"].as_array())
    if (m["destination"].as_string() == target) found = &m;
  return found;
}

bool has(const Json& list, std::string_view word) {
  auto words = list.as_strings();
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST(Bundle, DefaultsAreThoseOfDockerRun) {
  ContainerSpec spec;
  spec.rootfs = "/r";
  spec.argv = {"sh", "-c", "exit"};
  spec.env = {"A=b"};
  spec.hostname = "box";
  auto c = config_of(spec);
  EXPECT_EQ(c["root"]["path"].as_string(), "/r");
  EXPECT_EQ(c["process"]["args"].as_strings(), spec.argv);
  EXPECT_EQ(c["hostname"].as_string(), "box");
  EXPECT_TRUE(has((*mount_at(c, "/dev/shm"))["options"], "size=67108864"));
  EXPECT_TRUE(has((*mount_at(c, "/sys"))["options"], "ro"));
  EXPECT_EQ(mount_at(c, "/sys/fs/cgroup"), nullptr);  // no cgroups, no mount
  EXPECT_EQ(c["linux"]["maskedPaths"].size(), 10U);
  EXPECT_EQ(c["linux"]["readonlyPaths"].size(), 5U);
  EXPECT_TRUE(c["linux"]["seccomp"].is_object());
  EXPECT_EQ(c["linux"]["namespaces"].size(), 5U);
  EXPECT_TRUE(c["linux"]["resources"]["memory"].is_null());
  if ((kDefaultCapabilities & ~available_capabilities()) == 0) {
    EXPECT_EQ(c["process"]["capabilities"]["bounding"].size(), 14U);
  }
}

TEST(Bundle, OnlyRootStartsWithCapabilities) {
  ContainerSpec spec;
  EXPECT_NE(config_of(spec)["process"]["capabilities"].find("effective"), nullptr);
  spec.uid = 1000;
  auto c = config_of(spec);
  EXPECT_EQ(c["process"]["capabilities"].find("effective"), nullptr);
  EXPECT_NE(c["process"]["capabilities"].find("bounding"), nullptr);
}

TEST(Bundle, PrivilegedTakesTheFencesAway) {
  ContainerSpec spec;
  spec.privileged = true;
  spec.cgroup_mode = CgroupMode::V2;
  auto c = config_of(spec);
  EXPECT_EQ(c["linux"].find("seccomp"), nullptr);
  EXPECT_EQ(c["linux"].find("maskedPaths"), nullptr);
  EXPECT_FALSE(has((*mount_at(c, "/sys"))["options"], "ro"));
  EXPECT_FALSE(has((*mount_at(c, "/sys/fs/cgroup"))["options"], "ro"));
}

TEST(Bundle, AMountOfTheUserReplacesTheDefaultOne) {
  ContainerSpec spec;
  spec.mounts = {bind_mount("/host/shm", "/dev/shm"), bind_mount("/a", "/b", true)};
  auto c = config_of(spec);
  EXPECT_EQ((*mount_at(c, "/dev/shm"))["source"].as_string(), "/host/shm");
  EXPECT_TRUE(has((*mount_at(c, "/b"))["options"], "ro"));
  std::size_t shm = 0;
  for (const auto& m : c["mounts"].as_array()) shm += m["destination"].as_string() == "/dev/shm";
  EXPECT_EQ(shm, 1U);
}

TEST(Bundle, NetworkLimitsAndTheRest) {
  ContainerSpec spec;
  spec.network = NetworkMode::Host;
  spec.limits.memory = 4096;
  spec.limits.pids = 7;
  spec.limits.cpu_quota = 50000;
  spec.ulimits = {{"nofile", 10, 20}};
  spec.oom_score_adj = 100;
  spec.domainname = "d";
  spec.cgroup_path = "/strata/x";
  spec.annotations = {{"a", "b"}};
  auto c = config_of(spec);
  for (const auto& n : c["linux"]["namespaces"].as_array())
    EXPECT_NE(n["type"].as_string(), "network");
  EXPECT_EQ(c["linux"]["resources"]["memory"]["limit"].as_int(), 4096);
  EXPECT_EQ(c["linux"]["resources"]["pids"]["limit"].as_int(), 7);
  EXPECT_EQ(c["linux"]["resources"]["cpu"]["quota"].as_int(), 50000);
  EXPECT_EQ(c["process"]["rlimits"].as_array()[0]["type"].as_string(), "RLIMIT_NOFILE");
  EXPECT_EQ(c["process"]["oomScoreAdj"].as_int(), 100);
  EXPECT_EQ(c["linux"]["sysctl"]["kernel.domainname"].as_string(), "d");
  EXPECT_EQ(c["linux"]["cgroupsPath"].as_string(), "/strata/x");
  EXPECT_EQ(c["annotations"]["a"].as_string(), "b");
}

TEST(Capabilities, AreParsedByName) {
  EXPECT_EQ(*parse_capability("NET_ADMIN"), 1U << CAP_NET_ADMIN);
  EXPECT_EQ(*parse_capability("cap_chown"), 1U << CAP_CHOWN);
  EXPECT_EQ(*parse_capability("ALL"), (std::uint64_t{1} << 41) - 1);
  auto bad = parse_capability("nope");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message(), "invalid capability: \"CAP_NOPE\"");
}

const Json* rule_for(const Json& profile, std::string_view call) {
  const Json* found = nullptr;
  for (const auto& rule : profile["syscalls"].as_array())
    if (has(rule["names"], call)) found = &rule;
  return found;
}

TEST(Seccomp, DeniesWhatIsNotListed) {
  auto profile = seccomp_profile(kDefaultCapabilities);
  EXPECT_EQ(profile["defaultAction"].as_string(), "SCMP_ACT_ERRNO");
  for (const char* call : {"mount", "unshare", "setns", "bpf", "kexec_load", "add_key",
                           "io_uring_setup", "userfaultfd", "init_module", "reboot"})
    EXPECT_EQ(rule_for(profile, call), nullptr) << call;
  for (const char* call : {"read", "execve", "statx", "chroot", "mknod", "openat2"})
    EXPECT_NE(rule_for(profile, call), nullptr) << call;
}

TEST(Seccomp, CloneMakesNoNamespaces) {
  auto profile = seccomp_profile(kDefaultCapabilities);
  const auto& clone = *rule_for(profile, "clone");
  EXPECT_EQ(clone["args"].as_array()[0]["op"].as_string(), "SCMP_CMP_MASKED_EQ");
  EXPECT_EQ(clone["args"].as_array()[0]["value"].as_int(), 0x7e020000);
  EXPECT_EQ((*rule_for(profile, "clone3"))["errnoRet"].as_int(), 38);
  auto admin = seccomp_profile(std::uint64_t{1} << CAP_SYS_ADMIN);
  EXPECT_EQ(rule_for(admin, "clone")->find("args"), nullptr);
  EXPECT_NE(rule_for(admin, "mount"), nullptr);
}

}  // namespace
}  // namespace strata
