#include "runtime/cgroup_usage.h"

#include <gtest/gtest.h>

#include "base/io.h"
#include "base/test_dir.h"

namespace strata {
namespace {

const std::string kContainer = "c277fdd49bc4d4c75fbded25e85b0a0daacf5d31436275c03ff54deb84619ead";

// Of a Linux 6.18 with v1 and cgroup2 side by side, shortened.
constexpr std::string_view kMountsV1 =
    "25 24 0:22 / /sys rw - sysfs sysfs rw\n"
    "30 25 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "32 30 0:28 / /sys/fs/cgroup/memory rw,relatime shared:3 - cgroup cgroup rw,memory\n"
    "33 30 0:29 /outer /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
    "34 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
constexpr std::string_view kMountsV2 =
    "30 25 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

TEST(FindCgroups, V1GroupsAreThoseOfEachController) {
  auto places =
      find_cgroups("4:pids:/outer/docker/" + kContainer + "\n3:memory:/m/" + kContainer +
                       "\n2:cpu,cpuacct:/" + kContainer + "/own/one\n0::/" + kContainer + "\n",
                   kMountsV1, kContainer);
  EXPECT_EQ(places.v1.at("cpuacct"), "/sys/fs/cgroup/cpu,cpuacct/" + kContainer);
  EXPECT_EQ(places.v1.at("memory"), "/sys/fs/cgroup/memory/m/" + kContainer);
  EXPECT_EQ(places.v1.at("pids"), "/sys/fs/cgroup/pids/docker/" + kContainer);
  EXPECT_EQ(places.v2, "") << "beside v1 it counts nothing";
}

TEST(FindCgroups, V2IsOneGroupWhoeverMadeIt) {
  for (const auto& [path, place] : std::vector<std::pair<std::string, std::string>>{
           {"/" + kContainer, "/" + kContainer},
           {"/" + kContainer + "/init.scope", "/" + kContainer},
           {"/system.slice/crun-" + kContainer + ".scope/x",
            "/system.slice/crun-" + kContainer + ".scope"}}) {
    auto places = find_cgroups("0::" + path + "\n", kMountsV2, kContainer);
    EXPECT_EQ(places.v2, "/sys/fs/cgroup" + place);
    EXPECT_TRUE(places.v1.empty());
  }
}

TEST(FindCgroups, AGroupOfSomebodyElseIsNotTakenForItsOwn) {
  auto places =
      find_cgroups("3:memory:/\n2:cpu,cpuacct:/user.slice\n0::/\n", kMountsV1, kContainer);
  EXPECT_TRUE(places.v1.empty());
  EXPECT_EQ(find_cgroups("0::/\n", kMountsV2, kContainer).v2, "");
  EXPECT_EQ(find_cgroups("4:pids:/other/" + kContainer, kMountsV1, kContainer).v1.size(), 0U)
      << "what is mounted does not show it";
  for (const char* odd : {"", "\n", "::", "x", ":", "0:", "4:pids"})
    EXPECT_TRUE(find_cgroups(odd, kMountsV1, kContainer).v1.empty());
}

/// A directory with the files of one group.
class Files : public testing::Test {
 protected:
  void SetUp() override { place_ = temp_.path(); }
  void write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(write_file(temp_.fd(), name, text, 0644));
  }
  TestDir temp_{"strata-cgroup-"};
  std::string place_;
};

TEST_F(Files, V1) {
  CgroupPlaces places;
  for (const char* controller : {"cpuacct", "memory", "blkio", "pids"})
    places.v1[controller] = place_;
  write("cpuacct.usage", "123456789\n");
  write("memory.usage_in_bytes", "1000000\n");
  write("memory.limit_in_bytes", "73400320\n");
  write("memory.stat", "cache 5\ninactive_file 7\ntotal_cache 5\ntotal_inactive_file 400000\n");
  write("blkio.throttle.io_service_bytes_recursive",
        "8:0 Read 100\n8:0 Write 20\n8:0 Sync 1\n8:0 Total 120\n8:16 Read 3\n8:16 Write 4\n"
        "Total 127\n");
  write("pids.current", "2\n");
  auto usage = read_cgroup_usage(places);
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->cpu_ns, 123456789U);
  EXPECT_EQ(usage->memory, 600000U);
  EXPECT_EQ(usage->memory_limit, 73400320U);
  EXPECT_EQ(usage->block_read, 103U);
  EXPECT_EQ(usage->block_written, 24U);
  EXPECT_EQ(usage->pids, 2U);
  write("blkio.throttle.io_service_bytes_recursive", "Total 0\n");
  write("blkio.bfq.io_service_bytes_recursive", "8:0 Read 5\n8:0 Write 6\nTotal 11\n");
  EXPECT_EQ(read_cgroup_usage(places)->block_written, 6U);
  write("memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(read_cgroup_usage(places)->memory_limit, 0U);
  write("memory.usage_in_bytes", "400000\n");
  EXPECT_EQ(read_cgroup_usage(places)->memory, 400000U) << "as docker: not less than nothing";
}

TEST_F(Files, V2) {
  CgroupPlaces places{{}, place_};
  write("cpu.stat", "usage_usec 5000\nuser_usec 4000\nsystem_usec 1000\n");
  write("memory.current", "1000000\n");
  write("memory.max", "max\n");
  write("memory.stat", "anon 1\nfile 2\ninactive_anon 9\ninactive_file 250000\n");
  write("io.stat",
        "8:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2\n");
  write("pids.current", "7\n");
  auto usage = read_cgroup_usage(places);
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->cpu_ns, 5000000U);
  EXPECT_EQ(usage->memory, 750000U);
  EXPECT_EQ(usage->memory_limit, 0U);
  EXPECT_EQ(usage->block_read, 101U);
  EXPECT_EQ(usage->block_written, 22U);
  EXPECT_EQ(usage->pids, 7U);
  write("memory.max", "1048576\n");
  EXPECT_EQ(read_cgroup_usage(places)->memory_limit, 1048576U);
}

TEST_F(Files, AreMissedWithoutHarm) {
  auto usage = read_cgroup_usage({{}, place_});
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->cpu_ns + usage->memory + usage->pids, 0U);
  for (const auto& places : {CgroupPlaces{{}, place_ + "/gone"}, CgroupPlaces{}}) {
    auto gone = read_cgroup_usage(places);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code(), ErrorCode::NotFound);
  }
}

TEST(CgroupText, WhatIsNoNumberIsNone) {
  EXPECT_EQ(keyed_number("a 1\nab 2\n", "ab"), 2U);
  EXPECT_EQ(keyed_number("ab 2", "a"), std::nullopt);
  EXPECT_EQ(keyed_number("a x\n", "a"), std::nullopt);
  EXPECT_EQ(keyed_number("a -1\n", "a"), std::nullopt);
  EXPECT_EQ(parse_blkio("").read, 0U);
  EXPECT_EQ(parse_blkio("8:0 Read\n8:0 Read x\nTotal 0\n").read, 0U);
  EXPECT_EQ(parse_io_stat("8:0 rbytes= wbytes=x\n8:0").written, 0U);
}

}  // namespace
}  // namespace strata
