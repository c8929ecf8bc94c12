#include "runtime/cgroup.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

constexpr std::string_view kV1 =
    "30 25 0:26 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "32 30 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "33 30 0:29 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n";
constexpr std::string_view kUnified =
    "34 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
constexpr std::string_view kV2 = "30 25 0:26 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n";

using Names = std::vector<std::string>;

TEST(CgroupMounts, V1) {
  auto support = parse_cgroup_mounts(kV1);
  EXPECT_EQ(support.mode, CgroupMode::V1);
  EXPECT_EQ(support.controllers, (Names{"cpu", "cpuacct", "memory"}));
  EXPECT_EQ(support.unified_mount, "");
}

TEST(CgroupMounts, Hybrid) {
  auto support = parse_cgroup_mounts(std::string(kV1) + std::string(kUnified));
  EXPECT_EQ(support.mode, CgroupMode::Hybrid);
  EXPECT_EQ(support.unified_mount, "/sys/fs/cgroup/unified");
}

TEST(CgroupMounts, V2) { EXPECT_EQ(parse_cgroup_mounts(kV2).mode, CgroupMode::V2); }

TEST(CgroupMounts, NothingUsable) {
  EXPECT_EQ(parse_cgroup_mounts("").mode, CgroupMode::None);
  EXPECT_EQ(parse_cgroup_mounts("junk\n- - - -\n\n").mode, CgroupMode::None);
  EXPECT_EQ(parse_cgroup_mounts("1 2 0:3 / /mnt/cg rw - cgroup2 c rw").mode, CgroupMode::None);
  EXPECT_EQ(parse_cgroup_mounts("1 2 0:3 / /sys/fs/cgroup ro - cgroup2 c rw").mode,
            CgroupMode::None);
}

TEST(CgroupMounts, ThisMachineIsUnderstood) {
  auto support = detect_cgroups();
  ASSERT_TRUE(support);
  EXPECT_EQ(support->unified_mount.empty(), support->mode != CgroupMode::Hybrid);
}

TEST(FitLimits, KeepsWhatIsSupported) {
  CgroupSupport support{CgroupMode::V2, "", {"cpu", "cpuset", "memory", "pids"}, true};
  ResourceLimits limits;
  limits.memory = 1 << 20;
  limits.memory_swap = -1;
  limits.pids = 5;
  limits.cpuset_cpus = "0";
  EXPECT_EQ(fit_limits(limits, support), Names());
  EXPECT_TRUE(limits.memory && limits.memory_swap && limits.pids);
  EXPECT_EQ(limits.cpuset_cpus, "0");
}

TEST(FitLimits, DiscardsTheRestWithAWarning) {
  ResourceLimits limits;
  limits.memory = 1 << 20;
  limits.memory_swap = 2 << 20;
  limits.pids = 5;
  limits.cpuset_cpus = "0";
  CgroupSupport no_swap{CgroupMode::V1, "", {"cpuset", "memory"}, false};
  EXPECT_EQ(fit_limits(limits, no_swap),
            (Names{"Your kernel does not support swap limit capabilities or the cgroup is not "
                   "mounted. Memory limited without swap.",
                   "Your kernel does not support PIDs limit capabilities or the cgroup is not "
                   "mounted. PIDs limit discarded."}));
  EXPECT_FALSE(limits.memory_swap || limits.pids);
  EXPECT_TRUE(limits.memory);
  EXPECT_EQ(fit_limits(limits, {}).size(), 2U);  // memory and cpuset
  EXPECT_FALSE(limits.memory);
  EXPECT_EQ(limits.cpuset_cpus, "");
}

TEST(FitLimits, WhatNoV2KnowsAndWhatNeedsAFileOfItsOwn) {
  ResourceLimits limits;
  limits.cpu_rt_runtime = 500;
  limits.block_weight = 100;
  CgroupSupport v2{CgroupMode::V2, "", {"cpu", "io"}, true, true};
  EXPECT_EQ(fit_limits(limits, v2),
            (Names{"Your kernel does not support CPU real-time scheduler or the cgroup is not "
                   "mounted. Runtime discarded."}));
  EXPECT_TRUE(limits.block_weight);
  CgroupSupport v1{CgroupMode::V1, "", {"blkio", "cpu"}, true};
  EXPECT_EQ(fit_limits(limits, v1),
            (Names{"Your kernel does not support Block I/O weight or the cgroup is not mounted. "
                   "Weight discarded."}));
}

}  // namespace
}  // namespace strata
