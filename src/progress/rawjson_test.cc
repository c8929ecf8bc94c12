#include "progress/rawjson.h"

#include <gtest/gtest.h>

#include "progress/sample_build.h"

namespace strata::progress {
namespace {

using std::chrono::milliseconds;

TEST(RawJson, OneObjectForEachEvent) {
  std::string seen;
  RawJson json([&](std::string_view text) { seen += text; });
  tell_sample_build([&](const Event& event) { json(event); });
  const std::string image = R"("image":"sha256:)";
  EXPECT_EQ(seen,
            R"({"at":0,"event":"context","bytes":5120}
{"at":0.1,"event":"plan","stages":[{"name":"tools","needed":true},{"name":"stage-1","needed":false},{"name":"stage-2","needed":true}],"steps":[{"number":1,"text":"ARG V=1","line":1},{"stage":0,"number":1,"text":"FROM base AS tools","line":2},{"stage":0,"number":2,"text":"RUN make","line":3},{"stage":1,"number":1,"text":"FROM other","line":5},{"stage":2,"number":1,"text":"FROM base","line":7},{"stage":2,"number":2,"text":"COPY --from=tools /a /a","line":8},{"stage":2,"number":3,"text":"LABEL a=b"}]}
{"at":0.2,"event":"start","step":0}
{"at":0.3,"event":"done","step":0}
{"at":0.4,"event":"skipped","step":3}
{"at":0.5,"event":"start","step":1}
{"at":0.6,"event":"start","step":4}
{"at":0.7,"event":"done","step":1,)" +
                image + std::string(64, '1') + R"("}
{"at":0.8,"event":"done","step":4,)" +
                image + std::string(64, '1') + R"("}
{"at":0.9,"event":"start","step":2}
{"at":1,"event":"container","step":2}
{"at":1.1,"event":"output","step":2,"stream":"stdout","text":"one\nhalf"}
{"at":1.2,"event":"start","step":5}
{"at":1.3,"event":"cached","step":5}
{"at":1.4,"event":"done","step":5,)" +
                image + std::string(64, '3') + R"("}
{"at":1.5,"event":"output","step":2,"stream":"stderr","text":" a line\n"}
{"at":1.7,"event":"done","step":2,)" +
                image + std::string(64, '2') + R"("}
{"at":1.8,"event":"start","step":6}
{"at":1.9,"event":"container","step":6}
{"at":2.1,"event":"done","step":6,)" +
                image + std::string(64, '4') + R"("}
{"at":2.2,"event":"built",)" +
                image + std::string(64, '4') + R"("}
{"at":2.3,"event":"tagged","name":"app:latest"}
{"at":2.4,"event":"end","ok":true}
)");
}

TEST(RawJson, CharactersStayWholeAndOtherBytesAreReplaced) {
  std::string seen;
  RawJson json([&](std::string_view text) { seen += text; });
  json({milliseconds(0), Output{1, false, "a\xc3"}});
  json({milliseconds(0), Output{1, true, "b"}});
  json({milliseconds(0), Output{1, false, "\xa4\xff\xe2\x82"}});
  json({milliseconds(0), StepFailed{1, "no", 2}});
  json({milliseconds(0), Ended{"no"}});
  EXPECT_EQ(seen,
            "{\"at\":0,\"event\":\"output\",\"step\":1,\"stream\":\"stdout\",\"text\":\"a\"}\n"
            "{\"at\":0,\"event\":\"output\",\"step\":1,\"stream\":\"stderr\",\"text\":\"b\"}\n"
            "{\"at\":0,\"event\":\"output\",\"step\":1,\"stream\":\"stdout\",\"text\":\"\u00e4"
            "\\ufffd\"}\n"
            "{\"at\":0,\"event\":\"output\",\"step\":1,\"stream\":\"stdout\",\"text\":\"\\ufffd"
            "\\ufffd\"}\n"
            "{\"at\":0,\"event\":\"failed\",\"step\":1,\"message\":\"no\",\"exitCode\":2}\n"
            "{\"at\":0,\"event\":\"end\",\"ok\":false,\"error\":\"no\"}\n");
}

TEST(RawJson, CopiedBytesAreToldTenTimesASecond) {
  int lines = 0;
  RawJson json([&](std::string_view) { lines++; });
  for (int ms = 0; ms < 1000; ms++) json({milliseconds(ms), Copied{1, ms}});
  EXPECT_EQ(lines, 10);
}

}  // namespace
}  // namespace strata::progress
