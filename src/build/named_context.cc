#include "build/named_context.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "archive/load.h"
#include "base/io.h"
#include "http/url.h"
#include "image/platform.h"
#include "image/reference.h"

namespace strata::build {
namespace {

constexpr std::string_view kImage = "docker-image://";
constexpr std::string_view kLayout = "oci-layout://";

/// One name for "alpine", "alpine:latest" and "docker.io/library/alpine".
std::optional<std::string> canonical_name(std::string_view text) {
  auto reference = Reference::parse_normalized(text);
  if (!reference) return std::nullopt;
  if (!reference->digest && reference->tag == "latest") reference->tag.clear();
  return reference->familiar();
}

/// As a Dockerfile writes it: names of stages may be in any case.
std::string written_name(std::string_view text) {
  if (auto name = canonical_name(text)) return *name;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return canonical_name(lower).value_or(lower);
}

bool is_path(const std::string& value) {
  return !value.starts_with(kImage) && !value.starts_with(kLayout) && !is_git_context(value) &&
         !http::is_url(value);
}

}  // namespace

NamedContexts::NamedContexts(const Store& store, const Given& given, const GitAuth& git_auth,
                             Time now, std::stop_token stop)
    : store_(store), given_(given), git_auth_(git_auth), now_(now), stop_(std::move(stop)) {}

Result<void> NamedContexts::check_directories() const {
  for (const auto& [name, value] : given_) {
    struct stat st = {};
    if (!is_path(value)) continue;
    if (::stat(value.c_str(), &st) < 0) {
      auto error = Error::from_errno(errno, "stat " + value);
      error.add_context(fmt::format("failed to get build context {}", name));
      return error;
    }
    if (!S_ISDIR(st.st_mode))
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("failed to get build context path {}: not a directory", value));
  }
  return {};
}

bool NamedContexts::has(std::string_view name) const {
  if (given_.empty() || name.empty() || name == "scratch") return false;
  return given_.contains(written_name(name));
}

Result<NamedContext*> NamedContexts::open(std::string_view written) {
  auto name = written_name(written);
  std::lock_guard lock(mutex_);
  auto known = opened_.find(name);
  if (known == opened_.end()) {
    auto opened = open_value(given_.at(name));
    if (!opened) {
      if (opened.error().code() != ErrorCode::Cancelled)
        opened.error().add_context(fmt::format("failed to get build context {}", name));
      return std::move(opened).error();
    }
    known = opened_.emplace(name, *std::move(opened)).first;
  }
  return &known->second;
}

Result<NamedContext> NamedContexts::open_value(const std::string& value) {
  NamedContext named;
  if (value.starts_with(kImage)) {
    named.image = value.substr(kImage.size());
    return named;
  }
  if (value.starts_with(kLayout)) {
    named.image = TRY(load_layout(std::string_view(value).substr(kLayout.size())));
    return named;
  }
  return open_files(value);
}

Result<NamedContext> NamedContexts::open_files(const std::string& path) {
  NamedContext named;
  ContextRequest request;
  request.path = path;
  request.files_only = true;
  request.git_auth = git_auth_;
  named.context = TRY(Context::open(store_, request, {[](std::int64_t) {}, {}}, stop_));
  auto& files = named.context->files();
  named.memo = std::make_unique<StatMemo>(store_.own_dir(), files.root(), now_);
  named.sums = std::make_unique<Tarsums>(files, SumOwner::Root, stop_, named.memo.get());
  return named;
}

/// The image comes into the store, without a name; its ID.
Result<std::string> NamedContexts::load_layout(std::string_view text) {
  auto place = TRY(parse_layout_place(text));
  auto directory = TRY(open_dir(AT_FDCWD, place.directory));
  auto members = archive::directory_members(std::move(directory));
  auto image = TRY(archive::read_layout_image(*members, host_platform(), place.tag, place.digest));
  archive::LoadOptions options;
  options.lazy = true;  // the build syncs
  options.stop = stop_;
  auto loaded = TRY(archive::load_images(store_, *members, {image}, options));
  return loaded.front().id.str();
}

void NamedContexts::save() {
  std::lock_guard lock(mutex_);
  for (auto& [name, named] : opened_)
    if (named.memo) named.memo->save();
}

Result<std::pair<std::string, std::string>> parse_build_context(std::string_view text) {
  auto equals = text.find('=');
  if (equals == std::string_view::npos || equals + 1 == text.size())
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("invalid context value: {}, expected key=value", text));
  auto name = canonical_name(text.substr(0, equals));
  if (!name)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("invalid context name {}", text.substr(0, equals)));
  return std::pair(*name, std::string(text.substr(equals + 1)));
}

Result<LayoutPlace> parse_layout_place(std::string_view text) {
  LayoutPlace place;
  if (auto at = text.rfind('@'); at != std::string_view::npos) {
    place.digest = TRY(Digest::parse(text.substr(at + 1)).context("oci-layout://{}", text));
    text = text.substr(0, at);
  }
  auto slash = text.rfind('/');
  auto colon = text.find(':', slash == std::string_view::npos ? 0 : slash);
  place.directory = text.substr(0, colon);
  if (colon != std::string_view::npos) place.tag = text.substr(colon + 1);
  if (place.directory.empty())
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("oci-layout://{}: it names no directory", text));
  return place;
}

}  // namespace strata::build
