#include "engine/container_view.h"

#include <gtest/gtest.h>

#include "engine/container_options.h"

namespace strata {
namespace {

constexpr Time kNow{10'000'000, 0};

ContainerRecord record_in(RecordedState state) {
  ContainerRecord r;
  r.state = std::move(state);
  return r;
}

TEST(ContainerStatus, HasDockersTexts) {
  RecordedState s;
  EXPECT_EQ(status_text(record_in(s), kNow), "Created");
  EXPECT_EQ(state_word(record_in(s)), "created");
  s.running = true;
  s.started_at = {kNow.seconds - 120, 0};
  EXPECT_EQ(status_text(record_in(s), kNow), "Up 2 minutes");
  EXPECT_EQ(state_word(record_in(s)), "running");
  s.paused = true;
  EXPECT_EQ(status_text(record_in(s), kNow), "Up 2 minutes (Paused)");
  EXPECT_EQ(state_word(record_in(s)), "paused");
  s.running = s.paused = false;
  s.exit_code = 137;
  s.finished_at = {kNow.seconds - 3600, 0};
  EXPECT_EQ(status_text(record_in(s), kNow), "Exited (137) About an hour ago");
  EXPECT_EQ(state_word(record_in(s)), "exited");
  s.dead = true;
  EXPECT_EQ(status_text(record_in(s), kNow), "Dead");
  s.removal_in_progress = true;
  EXPECT_EQ(status_text(record_in(s), kNow), "Removal In Progress");
  EXPECT_EQ(state_word(record_in(s)), "removing");
}

TEST(ParseBind, SourcesDestinationsAndModes) {
  auto bind = parse_bind("/host/:/data/:ro,z");
  ASSERT_TRUE(bind);
  EXPECT_EQ(bind->type, "bind");
  EXPECT_EQ(bind->source, "/host/");
  EXPECT_EQ(bind->destination, "/data");
  EXPECT_FALSE(bind->read_write);
  EXPECT_EQ(bind->propagation, "rprivate");
  auto volume = parse_bind("vol:/data");
  ASSERT_TRUE(volume);
  EXPECT_EQ(volume->type, "volume");
  EXPECT_EQ(volume->name, "vol");
  EXPECT_FALSE(volume->anonymous);
}

struct BadOption {
  const char* name;
  void (*set)(ContainerOptions&);
  const char* message;
};
class ContainerOptionErrors : public testing::TestWithParam<BadOption> {};

TEST_P(ContainerOptionErrors, AreOneClearLine) {
  ContainerOptions o;
  o.image = "x";
  GetParam().set(o);
  auto result = parse_container_options(o);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ContainerOptionErrors,
    testing::Values(
        BadOption{"Publish", [](ContainerOptions& o) { o.publish = {"80:80"}; },
                  "ports cannot be published: there is no bridge network; with --network host the "
                  "container has the host's ports"},
        BadOption{"Restart", [](ContainerOptions& o) { o.restart = "always"; },
                  "restart policy 'always' needs a daemon; only 'no' is supported"},
        BadOption{"Memory", [](ContainerOptions& o) { o.memory = "1m"; },
                  "Minimum memory limit allowed is 6MB"},
        BadOption{"Size", [](ContainerOptions& o) { o.shm_size = "much"; }, "invalid size: 'much'"},
        BadOption{"RelativeDestination", [](ContainerOptions& o) { o.volumes = {"/a:b"}; },
                  "invalid volume specification: '/a:b': invalid mount config for type \"bind\": "
                  "invalid mount path: 'b' mount path must be absolute"},
        BadOption{"RootDestination", [](ContainerOptions& o) { o.volumes = {"/a:/"}; },
                  "invalid volume specification: '/a:/': invalid mount config for type \"bind\": "
                  "invalid specification: destination can't be '/'"},
        BadOption{"Mode", [](ContainerOptions& o) { o.volumes = {"/a:/b:fast"}; },
                  "invalid mode: fast"},
        BadOption{"Twice",
                  [](ContainerOptions& o) {
                    o.volumes = {"/a:/b", "/c:/b"};
                  },
                  "Duplicate mount point: /b"},
        BadOption{"Env", [](ContainerOptions& o) { o.env = {"=x"}; },
                  "invalid environment variable: =x"},
        BadOption{"Cpus", [](ContainerOptions& o) { o.cpus = "1.x"; },
                  "failed to parse 1.x as a rational number"},
        BadOption{"PreciseCpus", [](ContainerOptions& o) { o.cpus = "0.0000000001"; },
                  "value is too precise"},
        BadOption{"CpusAndQuota",
                  [](ContainerOptions& o) {
                    o.cpus = ".500";
                    o.cpu_quota = 5000;
                  },
                  "Conflicting options: Nano CPUs and CPU Quota cannot both be set"},
        BadOption{"SwapAlone", [](ContainerOptions& o) { o.memory_swap = "1g"; },
                  "You should always set the Memory limit when using Memoryswap limit, see usage"},
        BadOption{"Ulimit", [](ContainerOptions& o) { o.ulimits = {"nofile=2:1"}; },
                  "ulimit soft limit must be less than or equal to hard limit: 2 > 1"}),
    [](const auto& c) { return std::string(c.param.name); });

}  // namespace
}  // namespace strata
