// What is a git repository, and which part of it: docker's rules.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/text.h"
#include "build/git.h"
#include "http/url.h"

namespace strata::build {
namespace {

constexpr std::string_view kGithub = "github.com/";

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

bool is_clean_word(std::string_view text) {
  return !text.empty() && text[0] != '-' && std::all_of(text.begin(), text.end(), is_word);
}

/// "git@host:path", which is no URL.
bool is_scp_address(std::string_view text) {
  auto at = text.find('@');
  auto colon = text.find(':');
  if (at == std::string_view::npos || colon == std::string_view::npos || at > colon) return false;
  return is_clean_word(text.substr(0, at)) && is_clean_word(text.substr(at + 1, colon - at - 1)) &&
         colon + 1 < text.size() && !text.substr(colon).starts_with("://");
}

/// A ref is given to git as an argument and as a part of refspecs.
Result<void> check_ref(std::string_view ref) {
  auto bad = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' ||
           std::string_view("~^:?*[\\").find(c) != std::string_view::npos;
  };
  if (ref.starts_with('-') || ref.starts_with('+') || ref.find("..") != std::string_view::npos ||
      std::any_of(ref.begin(), ref.end(), bad))
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("\"{}\": not the name of a git branch, tag or commit", ref));
  return {};
}

/// "%2F" is "/"; what is no such triple stays.
std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i++) {
    int value = 0;
    if (text[i] == '%' && i + 2 < text.size() && is_hex_digit(text[i + 1]) &&
        is_hex_digit(text[i + 2])) {
      std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Error bad_query(std::string text) { return Error(ErrorCode::InvalidArgument, std::move(text)); }

/// Sets what may be said once, or twice alike; BuildKit's words.
Result<void> set_once(const char* what, std::string& to, std::string_view value) {
  if (!to.empty() && to != value)
    return bad_query(fmt::format("{} conflicts: \"{}\" vs \"{}\"", what, to, value));
  to = value;
  return {};
}

Result<bool> parse_query_flag(std::string_view key, std::string_view value) {
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  return bad_query(fmt::format("invalid {} value: \"{}\"", key, value));
}

Result<void> set_query(GitSource& source, std::string_view key, const std::string& value) {
  if (key != "submodules" && key != "keep-git-dir" && value.empty())
    return bad_query(fmt::format("query \"{}\" has no value", key));
  if (key == "ref") return set_once("ref", source.ref, value);
  if (key == "branch") return set_once("ref", source.ref, "refs/heads/" + value);
  if (key == "tag") return set_once("ref", source.ref, "refs/tags/" + value);
  if (key == "subdir") return set_once("subdir", source.directory, value);
  if (key == "commit" || key == "checksum") {
    TRY(check_commit(value));
    return set_once("checksum", source.commit, value);
  }
  if (key == "submodules")
    source.submodules = TRY(parse_query_flag(key, value.empty() ? "true" : value));
  else if (key == "keep-git-dir")
    source.keep_git_dir = TRY(parse_query_flag(key, value.empty() ? "true" : value));
  else
    return bad_query(fmt::format("unexpected query \"{}\"", key));
  return {};
}

/// Takes the query out of the URL.
Result<void> take_query(GitSource& source) {
  auto mark = source.url.find('?');
  if (mark == std::string::npos) return {};
  auto query = source.url.substr(mark + 1);
  source.url.resize(mark);
  for (auto part : split(query, '&')) {
    if (part.empty()) continue;
    auto equals = std::min(part.find('='), part.size());
    auto value = percent_decode(part.substr(std::min(equals + 1, part.size())));
    TRY(set_query(source, part.substr(0, equals), value));
  }
  // A commit that is said alone is what is fetched.
  if (source.ref.empty()) source.ref = source.commit;
  return {};
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; k++)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; k++)
      out += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
  }
  return out;
}

}  // namespace

std::string git_authorization(const GitAuth& auth, std::string_view url) {
  if (!http::is_url(url)) return "";
  auto host = url.substr(url.find("://") + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (auto at = host.rfind('@'); at != std::string_view::npos) return "";  // it has a user already
  auto find = [&](const std::string& id) -> std::string {
    for (const auto& name : {id + '.' + std::string(host), id})
      if (auto found = auth.find(name); found != auth.end())
        return found->second.substr(0, found->second.find_last_not_of(" \t\r\n") + 1);
    return "";
  };
  if (auto header = find("GIT_AUTH_HEADER"); !header.empty()) return header;
  auto token = find("GIT_AUTH_TOKEN");
  return token.empty() ? "" : "Basic " + base64("x-access-token:" + token);
}

bool is_git_url(std::string_view text) {
  auto address = text.substr(0, text.find('#'));
  if (http::is_url(address)) return address.substr(0, address.find('?')).ends_with(".git");
  for (std::string_view scheme : {"git://", "ssh://"})
    if (address.starts_with(scheme)) return address.size() > scheme.size();
  return is_scp_address(address);
}

bool is_git_context(std::string_view text) {
  return is_git_url(text) || (text.starts_with(kGithub) && text.size() > kGithub.size());
}

Result<GitSource> parse_git_url(std::string_view text) {
  GitSource source;
  auto hash = text.find('#');
  source.url = text.substr(0, hash);
  if (source.url.starts_with(kGithub)) source.url.insert(0, "https://");
  auto printable = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; };
  if (!std::all_of(source.url.begin(), source.url.end(), printable))
    return Error(ErrorCode::InvalidArgument, "a git URL cannot hold blanks or control characters");
  if (hash != std::string_view::npos) {
    auto fragment = text.substr(hash + 1);
    auto colon = fragment.find(':');
    source.ref = fragment.substr(0, colon);
    if (colon != std::string_view::npos) source.directory = fragment.substr(colon + 1);
  }
  TRY(take_query(source));
  TRY(check_ref(source.ref));
  return source;
}

Result<void> check_commit(std::string_view text) {
  constexpr std::size_t kMin = 7, kMax = 64;
  auto digit = [](char c) { return is_hex_digit(c) && !(c >= 'A' && c <= 'F'); };
  if (text.size() >= kMin && text.size() <= kMax && std::all_of(text.begin(), text.end(), digit))
    return {};
  return Error(ErrorCode::InvalidArgument, fmt::format("\"{}\" is no commit", text));
}

}  // namespace strata::build
