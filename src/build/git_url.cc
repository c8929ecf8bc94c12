// What is a git repository, and which part of it: docker's rules.
#include <fmt/format.h>

#include <algorithm>

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

}  // namespace

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
  if (hash == std::string_view::npos) return source;
  auto fragment = text.substr(hash + 1);
  auto colon = fragment.find(':');
  source.ref = fragment.substr(0, colon);
  if (colon != std::string_view::npos) source.directory = fragment.substr(colon + 1);
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
