#include "container/record.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

const std::string kId = "0123456789ab" + std::string(52, 'c');

ContainerRecord fresh_record() {
  ContainerRecord r;
  r.id = kId;
  r.name = "/mine";
  r.created = {1764015561, 955034902};
  r.path = "/bin/sh";
  r.args = {"-c", "a > b"};
  r.config.hostname = "0123456789ab";
  r.config.attach_stdout = true;
  r.config.cmd = {"/bin/sh", "-c", "a > b"};
  r.config.image = "my:app";
  r.config.labels.emplace();
  r.image = "sha256:" + std::string(64, 'd');
  r.host.network_mode = "none";
  MountPoint volume;
  volume.type = "volume";
  volume.source = "/r/volumes/vol1/_data";
  volume.destination = "/v";
  volume.name = "vol1";
  volume.mode = "z";
  r.mounts.push_back(volume);
  return r;
}

TEST(ContainerRecord, IsWrittenInTheOrderOfDockerd20) {
  EXPECT_EQ(
      encode_container_config(fresh_record()),
      R"({"StreamConfig":{},"State":{"Running":false,"Paused":false,"Restarting":false,)"
      R"("OOMKilled":false,"RemovalInProgress":false,"Dead":false,"Pid":0,"ExitCode":0,"Error":"",)"
      R"("StartedAt":"0001-01-01T00:00:00Z","FinishedAt":"0001-01-01T00:00:00Z","Health":null},)"
      R"("ID":")" +
          kId +
          R"(","Created":"2025-11-24T20:19:21.955034902Z","Managed":false,"Path":"/bin/sh",)"
          R"("Args":["-c","a \u003e b"],"Config":{"Hostname":"0123456789ab","Domainname":"",)"
          R"("User":"","AttachStdin":false,"AttachStdout":true,"AttachStderr":false,"Tty":false,)"
          R"("OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":["/bin/sh","-c","a \u003e b"],)"
          R"("Image":"my:app","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,)"
          R"("Labels":{}},"Image":"sha256:)" +
          std::string(64, 'd') +
          R"(","NetworkSettings":{"Bridge":"","SandboxID":"","HairpinMode":false,)"
          R"("LinkLocalIPv6Address":"","LinkLocalIPv6PrefixLen":0,"Networks":{"none":{)"
          R"("IPAMConfig":null,"Links":null,"Aliases":null,"NetworkID":"","EndpointID":"",)"
          R"("Gateway":"","IPAddress":"","IPPrefixLen":0,"IPv6Gateway":"","GlobalIPv6Address":"",)"
          R"("GlobalIPv6PrefixLen":0,"MacAddress":"","DriverOpts":null,"IPAMOperational":false}},)"
          R"("Service":null,"Ports":null,"SandboxKey":"","SecondaryIPAddresses":null,)"
          R"("SecondaryIPv6Addresses":null,"IsAnonymousEndpoint":true,"HasSwarmEndpoint":false},)"
          R"("LogPath":"","Name":"/mine","Driver":"overlay2","OS":"linux","MountLabel":"",)"
          R"("ProcessLabel":"","RestartCount":0,"HasBeenStartedBefore":false,)"
          R"("HasBeenManuallyStopped":false,"MountPoints":{"/v":{"Source":"/r/volumes/vol1/_data",)"
          R"("Destination":"/v","RW":true,"Name":"vol1","Driver":"local","Type":"volume",)"
          R"("Relabel":"z","Spec":{"Type":"volume","Source":"vol1","Target":"/v"},)"
          R"("SkipMountpointCreation":false}},"SecretReferences":null,"ConfigReferences":null,)"
          R"("AppArmorProfile":"","HostnamePath":"","HostsPath":"","ShmPath":"",)"
          R"("ResolvConfPath":"","SeccompProfile":"","NoNewPrivileges":false,)"
          R"("LocalLogCacheMeta":{"HaveNotifyEnabled":false}})"
          "\n");
}

TEST(ContainerRecord, HostConfigHasAllKeysOfDockerd20) {
  auto text = encode_host_config(fresh_record());
  EXPECT_TRUE(text.starts_with(
      R"({"Binds":null,"ContainerIDFile":"","LogConfig":{"Type":"json-file","Config":{}},)"
      R"("NetworkMode":"none","PortBindings":{},"RestartPolicy":{"Name":"no",)"
      R"("MaximumRetryCount":0},"AutoRemove":false,)"))
      << text;
  EXPECT_TRUE(text.ends_with("\"/proc/sysrq-trigger\"]}\n")) << text;
  EXPECT_NE(text.find(R"("MaskedPaths":["/proc/asound",)"), std::string::npos);
}

TEST(ContainerRecord, ComesBackAsItWas) {
  auto r = fresh_record();
  r.host.limits.memory = 1 << 30;
  r.host.ulimits = {{"nofile", 10, 20}};
  r.host.cap_add = {"NET_ADMIN"};
  r.host.tmpfs["/t"] = "size=1m";
  auto back = decode_container(encode_container_config(r), encode_host_config(r));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->id, r.id);
  EXPECT_EQ(back->created, r.created);
  EXPECT_EQ(back->args, r.args);
  EXPECT_EQ(back->config, r.config);
  EXPECT_EQ(back->state, r.state);
  ASSERT_EQ(back->mounts.size(), 1U);
  EXPECT_EQ(back->mounts[0].name, "vol1");
  EXPECT_FALSE(back->mounts[0].anonymous);
  EXPECT_EQ(back->host.network_mode, "none");
  EXPECT_EQ(back->host.limits.memory, 1 << 30);
  ASSERT_EQ(back->host.ulimits.size(), 1U);
  EXPECT_EQ(back->host.ulimits[0].hard, 20);
  EXPECT_EQ(back->host.tmpfs, r.host.tmpfs);
  EXPECT_EQ(encode_container_config(*back), encode_container_config(r));
  EXPECT_EQ(encode_host_config(*back), encode_host_config(r));
}

TEST(ContainerRecord, UnknownMembersSurviveARewrite) {
  std::string text = R"({"Future":[1],"State":{"Running":true,"Pid":7,"New":"x",)"
                     R"("Health":{"Status":"ok"}},"ID":")" +
                     kId + R"(","Config":{"Image":"i","Odd":1},"Name":"/n","Driver":"overlay2"})";
  auto r = decode_container(text, "");
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_TRUE(r->state.running);
  r->state = {};
  r->state.exit_code = 3;
  auto again = Json::parse(encode_container_config(*r));
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)["Future"].dump(), "[1]");
  EXPECT_EQ((*again)["State"]["New"].as_string(), "x");
  EXPECT_EQ((*again)["State"]["Health"]["Status"].as_string(), "ok");
  EXPECT_EQ((*again)["State"]["ExitCode"].as_int(), 3);
  EXPECT_FALSE((*again)["State"]["Running"].as_bool(true));
  EXPECT_EQ((*again)["Config"].dump(), R"({"Image":"i","Odd":1})");
}

TEST(ContainerRecord, DamagedOnesAreRefused) {
  for (const char* text :
       {"", "[]", "{}", R"({"ID":"x"})", R"({"Config":{},"Created":"yesterday"})"})
    EXPECT_FALSE(decode_container(text, "")) << text;
  for (const char* host : {"{", "[]", "6"})
    EXPECT_FALSE(decode_container(R"({"Config":{}})", host)) << host;
}

}  // namespace
}  // namespace strata
