#include "http/client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/io.h"
#include "http/detail/loopback.h"

namespace strata::http {
namespace {

/// Answers connection after connection on the loopback device, each with the next text.
class Server {
 public:
  explicit Server(std::vector<std::string> answers) {
    thread_ = std::jthread([this, answers = std::move(answers)] { serve(answers); });
  }
  ~Server() { loopback_.close(); }

  std::string url(const std::string& path) const { return loopback_.url(path); }
  const std::string& last_request() {
    thread_.join();
    return request_;
  }

 private:
  void serve(const std::vector<std::string>& answers) {
    for (const auto& answer : answers) {
      auto peer = loopback_.accept();
      if (!peer) return;
      request_.clear();
      char buffer[4096];
      while (request_.find("\r\n\r\n") == std::string::npos) {
        auto n = ::read(peer.get(), buffer, sizeof buffer);
        if (n <= 0) break;
        request_.append(buffer, static_cast<std::size_t>(n));
      }
      (void)write_all(peer.get(), answer);
      ::shutdown(peer.get(), SHUT_WR);
    }
  }

  detail::Loopback loopback_;
  std::string request_;
  std::jthread thread_;
};

struct Got {
  Result<void> result;
  std::vector<Response> heads;
  std::string body;
};

Got fetch(const std::string& url, const std::stop_token& stop = {}) {
  Got got{{}, {}, {}};
  Receiver to{[&](const Response& head) {
                got.heads.push_back(head);
                return Result<void>();
              },
              [&](std::string_view bytes) {
                got.body += bytes;
                return Result<void>();
              }};
  got.result = get(url, to, stop);
  return got;
}

TEST(HttpGet, GivesHeadAndBody) {
  Server server(
      {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nLast-Modified: Mon, 02 Jan 2006 15:04:05 "
       "GMT\r\ncontent-disposition:  attachment; filename=x \r\n\r\nbody"});
  auto got = fetch(server.url("/a/../b?q#f"));
  ASSERT_TRUE(got.result) << got.result.error().message();
  ASSERT_EQ(got.heads.size(), 1U);
  EXPECT_EQ(got.heads[0].code, 200);
  EXPECT_EQ(got.heads[0].length, 4);
  EXPECT_EQ(got.heads[0].last_modified, (Time{1136214245, 0}));
  EXPECT_EQ(got.heads[0].content_disposition, "attachment; filename=x");
  EXPECT_EQ(got.body, "body");
  EXPECT_TRUE(server.last_request().starts_with("GET /a/../b?q HTTP/1.1\r\n"));
}

TEST(HttpGet, GivesAHeadWithoutABody) {
  Server server({"HTTP/1.1 204 No Content\r\n\r\n"});
  auto got = fetch(server.url("/"));
  ASSERT_TRUE(got.result);
  ASSERT_EQ(got.heads.size(), 1U);
  EXPECT_EQ(got.heads[0].code, 204);
}

TEST(HttpGet, DoesNotKnowEveryLength) {
  Server server({"HTTP/1.0 200 OK\r\n\r\nuntil the end"});
  auto got = fetch(server.url("/"));
  ASSERT_TRUE(got.result);
  EXPECT_EQ(got.heads.at(0).length, std::nullopt);
  EXPECT_TRUE(got.heads.at(0).until_close);
  EXPECT_EQ(got.body, "until the end");
}

TEST(HttpGet, ReadsChunks) {
  Server server({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"});
  auto got = fetch(server.url("/"));
  ASSERT_TRUE(got.result);
  EXPECT_FALSE(got.heads.at(0).length);
  EXPECT_FALSE(got.heads.at(0).until_close);
  EXPECT_EQ(got.body, "abc");
}

TEST(HttpGet, FollowsRedirects) {
  Server server(
      {"HTTP/1.1 302 Found\r\nLocation: /other\r\nLast-Modified: Mon, 02 Jan 2006 "
       "15:04:05 GMT\r\nContent-Length: 5\r\n\r\nmoved",
       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"});
  auto got = fetch(server.url("/x"));
  ASSERT_TRUE(got.result) << got.result.error().message();
  EXPECT_EQ(got.heads.size(), 1U);
  EXPECT_EQ(got.heads.at(0).last_modified, std::nullopt);
  EXPECT_EQ(got.body, "ok");
  EXPECT_TRUE(server.last_request().starts_with("GET /other "));
}

TEST(HttpGet, StopsGoingInCircles) {
  const std::string again = "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n";
  Server server(std::vector<std::string>(10, again));
  auto got = fetch(server.url("/x"));
  ASSERT_FALSE(got.result);
  EXPECT_EQ(got.result.error().message(), "Get \"/loop\": stopped after 10 redirects");
}

TEST(HttpGet, GoesToNoOtherScheme) {
  Server server({"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n"});
  auto got = fetch(server.url("/x"));
  ASSERT_FALSE(got.result);
  EXPECT_EQ(got.result.error().message(),
            "Get \"file:///etc/passwd\": unsupported protocol scheme \"file\"");
  EXPECT_EQ(got.body, "");
}

TEST(HttpGet, SaysHowTheServerRefused) {
  Server server({"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\n not here\n",
                 "HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n"});
  auto url = server.url("/x");
  auto got = fetch(url);
  ASSERT_FALSE(got.result);
  EXPECT_EQ(got.result.error().code(), ErrorCode::NotFound);
  EXPECT_EQ(got.result.error().message(),
            "failed to GET " + url + " with status 404 Not Found: not here");
  EXPECT_TRUE(got.heads.empty());
  EXPECT_EQ(fetch(url).result.error().message(),
            "failed to GET " + url + " with status 503 Service Unavailable: ");
}

TEST(HttpGet, NoticesABodyThatIsCutShort) {
  Server server({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"});
  auto got = fetch(server.url("/"));
  ASSERT_FALSE(got.result);
  EXPECT_EQ(got.result.error().message(), "unexpected EOF");
  EXPECT_EQ(got.body, "short");
}

TEST(HttpGet, NamesTheAddressThatRefuses) {
  auto got = fetch("http://127.0.0.1:1/x");
  ASSERT_FALSE(got.result);
  EXPECT_EQ(got.result.error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(got.result.error().message(),
            "Get \"http://127.0.0.1:1/x\": dial tcp 127.0.0.1:1: connect: connection refused");
}

TEST(HttpGet, StopsWhenItIsAskedTo) {
  std::stop_source stop;
  stop.request_stop();
  Server server({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"});
  auto got = fetch(server.url("/"), stop.get_token());
  ASSERT_FALSE(got.result);
  EXPECT_EQ(got.result.error().code(), ErrorCode::Cancelled);
}

TEST(HttpGet, GivesTheErrorOfTheReceiver) {
  Server server({"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"});
  Receiver to{
      [](const Response&) { return Result<void>(); },
      [](std::string_view) -> Result<void> { return Error(ErrorCode::System, "disk full"); }};
  auto result = get(server.url("/"), to, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "disk full");
}

TEST(HttpDate, HasThreeForms) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"})
    EXPECT_EQ(parse_http_date(text), (Time{784111777, 0})) << text;
  for (const char* text : {"", "yesterday", "Sun, 06 Nov 1994 08:49:37 EST", "784111777"})
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
}

}  // namespace
}  // namespace strata::http
