#include "copy/wire.h"

#include <gtest/gtest.h>

#include "base/io.h"
#include "base/process.h"

namespace strata::copy {
namespace {

/// What a wire makes of these bytes.
Result<Frame> read_frame(std::string_view bytes) {
  auto pipe = make_pipe();
  EXPECT_TRUE(pipe && write_all(pipe->write.get(), bytes));
  pipe->write = UniqueFd();
  return Wire(pipe->read.get(), -1).receive();
}

TEST(Wire, AFrameComesAsItWasSent) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  Wire wire(pipe->read.get(), pipe->write.get());
  std::string content(1000, 'x');
  for (const auto& text : {std::string(), std::string("a\0b", 3), content}) {
    ASSERT_TRUE(wire.send('D', text));
    auto frame = wire.receive();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->kind, 'D');
    EXPECT_EQ(frame->content, text);
  }
  ASSERT_TRUE(wire.send('E', ""));
  EXPECT_EQ(wire.expect('R').error().message(), "a layer came in place of a result");
  EXPECT_FALSE(wire.send('D', std::string(kMaxFrame + 1, 'x')));
}

TEST(Wire, WhatIsNoFrameIsRefused) {
  using namespace std::string_view_literals;
  EXPECT_EQ(read_frame("").error().message(), "unexpected EOF");
  EXPECT_EQ(read_frame("D\0\0\0"sv).error().message(), "unexpected EOF");
  EXPECT_EQ(read_frame("D\0\0\0\2x"sv).error().message(), "unexpected EOF");
  EXPECT_EQ(read_frame("Welcome to"sv).error().message(),
            "what comes is no frame of strata send: \"Welco\"");
  EXPECT_EQ(read_frame("D\xff\xff\xff\xff"sv).error().code(), ErrorCode::Corrupt);
  EXPECT_EQ(read_frame("X\0\0\0\5no\n\x1b!"sv).error().message(), "the other side: no  !");
}

}  // namespace
}  // namespace strata::copy
