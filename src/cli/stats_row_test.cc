#include "cli/stats_row.h"

#include <gtest/gtest.h>

namespace strata::cli {
namespace {

TEST(StatsRow, IsWrittenAsDockerDoes) {
  ContainerStats row;
  row.container = "web";
  row.id = std::string(64, 'a');
  row.name = "web";
  row.cpu_percent = 103.456;
  row.memory = 524'288;
  row.memory_limit = 73'400'320;
  row.received = 1296;
  row.block_written = 12'345'678;
  row.pids = 2;
  EXPECT_EQ(stats_row_json(row, false).dump(),
            R"({"BlockIO":"0B / 12.3MB","CPUPerc":"103.46%","Container":"web",)"
            R"("ID":"aaaaaaaaaaaa","MemPerc":"0.71%","MemUsage":"512KiB / 70MiB","Name":"web",)"
            R"("NetIO":"1.3kB / 0B","PIDs":"2"})");
  EXPECT_EQ(stats_row_json(row, true)["ID"].as_string(), row.id);
}

TEST(StatsRow, OneThatDoesNotRunUsesNothing) {
  ContainerStats row;
  row.container = row.id = std::string(12, 'a');
  row.name = "web";
  EXPECT_EQ(stats_row_json(row, false).dump(),
            R"({"BlockIO":"0B / 0B","CPUPerc":"0.00%","Container":"aaaaaaaaaaaa",)"
            R"("ID":"aaaaaaaaaaaa","MemPerc":"0.00%","MemUsage":"0B / 0B","Name":"web",)"
            R"("NetIO":"0B / 0B","PIDs":"0"})");
  row.is_removed = true;
  EXPECT_EQ(stats_row_json(row, false).dump(),
            R"({"BlockIO":"--","CPUPerc":"--","Container":"aaaaaaaaaaaa","ID":"aaaaaaaaaaaa",)"
            R"("MemPerc":"--","MemUsage":"-- / --","Name":"web","NetIO":"--","PIDs":"--"})");
}

}  // namespace
}  // namespace strata::cli
