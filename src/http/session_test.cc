#include "http/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/io.h"
#include "http/detail/loopback.h"

namespace strata::http {
namespace {

/// Answers requests on one connection after the other, each with the next text, and keeps what it
/// was asked. A request ends with its head, or with what `until` says.
class OneByOne {
 public:
  explicit OneByOne(std::vector<std::string> answers, std::string until = "\r\n\r\n") {
    thread_ = std::jthread([this, answers = std::move(answers), until] {
      UniqueFd peer;
      for (const auto& answer : answers) serve(answer, until, peer);
    });
  }
  ~OneByOne() { loopback_.close(); }

  std::string url(const std::string& path) const { return loopback_.url(path); }
  const std::vector<std::string>& requests() {
    thread_.join();
    return requests_;
  }
  int connections() const { return connections_; }

 private:
  void serve(const std::string& answer, const std::string& until, UniqueFd& peer) {
    std::string request;
    while (request.find(until) == std::string::npos) {
      char buffer[4096];
      auto n = peer ? ::read(peer.get(), buffer, sizeof buffer) : 0;
      if (n > 0) {
        request.append(buffer, static_cast<std::size_t>(n));
        continue;
      }
      peer = loopback_.accept();
      if (!peer) return;
      connections_++;
    }
    requests_.push_back(request);
    (void)write_all(peer.get(), answer);
  }

  detail::Loopback loopback_;
  int connections_ = 0;
  std::vector<std::string> requests_;
  std::jthread thread_;
};

const Session::Body kNoBody = [](const Answer&, std::string_view) { return Result<void>(); };

TEST(HttpSession, GivesAnyAnswerWithItsHead) {
  OneByOne server(
      {"HTTP/1.1 404 Not Found\r\nX-One: 1\r\nx-one: 2\r\nContent-Length: 4\r\n\r\nnone"});
  Session session({});
  std::string body;
  Request request;
  request.url = server.url("/v2/");
  request.headers = {{"Accept", "a"}, {"Accept", "b"}};
  auto answer = session.send(request,
                             [&](const Answer& head, std::string_view bytes) {
                               EXPECT_EQ(head.code, 404);
                               body += bytes;
                               return Result<void>();
                             },
                             {});
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->code, 404);
  EXPECT_EQ(answer->status, "404 Not Found");
  EXPECT_EQ(answer->header("x-one"), "1");
  EXPECT_EQ(answer->header("none"), "");
  EXPECT_EQ(answer->length, 4);
  EXPECT_EQ(body, "none");
  const auto& asked = server.requests().at(0);
  EXPECT_NE(asked.find("Accept: a\r\n"), std::string::npos) << asked;
  EXPECT_NE(asked.find("Accept: b\r\n"), std::string::npos) << asked;
}

TEST(HttpSession, FollowsNoRedirect) {
  OneByOne server({"HTTP/1.1 307 Away\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"});
  Request request;
  request.url = server.url("/a");
  auto answer = Session({}).send(request, kNoBody, {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->code, 307);
  EXPECT_EQ(answer->header("location"), "/b");
}

TEST(HttpSession, KeepsItsConnection) {
  const std::string fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  OneByOne server({fine, fine, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"});
  Session session({});
  Request request;
  request.url = server.url("/");
  ASSERT_TRUE(session.send(request, kNoBody, {}));
  ASSERT_TRUE(session.send(request, kNoBody, {}));
  request.method = "HEAD";
  auto answer = session.send(request, kNoBody, {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->length, 99);
  EXPECT_EQ(server.requests().size(), 3U);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpSession, UploadsWhatASourceGives) {
  const std::string fine = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
  OneByOne server({fine, fine}, "BODY");
  Session session({});
  StringSource known("known BODY");
  Request request;
  request.method = "PUT";
  request.url = server.url("/known");
  request.body = &known;
  request.body_size = 10;
  ASSERT_TRUE(session.send(request, kNoBody, {}));
  StringSource unknown("unknown BODY");
  request.method = "PATCH";
  request.body = &unknown;
  request.body_size.reset();
  ASSERT_TRUE(session.send(request, kNoBody, {}));
  const auto& asked = server.requests();
  EXPECT_TRUE(asked.at(0).starts_with("PUT /known HTTP/1.1\r\n"));
  EXPECT_NE(asked[0].find("Content-Length: 10\r\n"), std::string::npos);
  EXPECT_NE(asked[0].find("\r\n\r\nknown BODY"), std::string::npos);
  EXPECT_TRUE(asked.at(1).starts_with("PATCH "));
  EXPECT_NE(asked[1].find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_NE(asked[1].find("c\r\nunknown BODY"), std::string::npos);
}

TEST(HttpSession, SaysAsGoWhatWentWrong) {
  OneByOne server({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"}, "never");
  Request request;
  request.method = "HEAD";
  request.url = "http://127.0.0.1:1/x";
  auto refused = Session({}).send(request, kNoBody, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(refused.error().message(),
            "Head \"http://127.0.0.1:1/x\": dial tcp 127.0.0.1:1: connect: connection refused");
}

TEST(HttpSession, GivesTheErrorOfWhoTakesTheBody) {
  OneByOne server({"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"});
  Request request;
  request.url = server.url("/");
  auto taken = Session({}).send(request,
                                [](const Answer&, std::string_view) -> Result<void> {
                                  return Error(ErrorCode::Corrupt, "not what I want");
                                },
                                {});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message(), "not what I want");
}

TEST(HttpUrl, ResolvesALocation) {
  EXPECT_EQ(resolve_url("http://a/v2/x?q", "https://b/c"), "https://b/c");
  EXPECT_EQ(resolve_url("http://a/v2/x?q", "//b/c"), "http://b/c");
  EXPECT_EQ(resolve_url("http://a/v2/x?q", "/c?d"), "http://a/c?d");
  EXPECT_EQ(resolve_url("http://a/v2/x?q", "c"), "http://a/v2/c");
  EXPECT_EQ(resolve_url("http://a/v2/x?q", "?d"), "http://a/v2/x?d");
  EXPECT_EQ(resolve_url("http://a", "c"), "http://a/c");
  EXPECT_EQ(resolve_url("http://a/b", ""), "http://a/b");
  EXPECT_EQ(resolve_url("http://a/b", "ftp://c/d"), "ftp://c/d");
}

TEST(HttpUrl, KnowsTheOrigin) {
  EXPECT_EQ(origin_of("https://A.b/c"), "https://a.b:443");
  EXPECT_EQ(origin_of("http://a:5000/c"), "http://a:5000");
  EXPECT_EQ(origin_of("http://u:p@a/c"), "http://a:80");
  EXPECT_EQ(origin_of("http://[::1]/c"), "http://[::1]:80");
  EXPECT_EQ(origin_of("http://[::1]:9/c"), "http://[::1]:9");
}

}  // namespace
}  // namespace strata::http
