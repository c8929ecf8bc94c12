#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "build/context.h"
#include "build/stat_memo.h"
#include "build/tarsum.h"
#include "store/store.h"

namespace strata::build {

/// What --build-context NAME=VALUE gave, opened: an image or files.
struct NamedContext {
  std::string image;  // as take_image() finds it; "": files
  std::unique_ptr<Context> context;
  std::unique_ptr<StatMemo> memo;
  std::unique_ptr<Tarsums> sums;
};

/// The contexts of --build-context. In FROM, COPY --from and RUN --mount=from= their names win over
/// those of stages and images; "alpine" is alpine:latest, "scratch" stays what it is. What a name
/// stands for is opened when it is first asked for, except for directories, whose absence is told
/// before the build begins. Any thread.
class NamedContexts {
 public:
  /// Names in the form that parse_build_context() gives.
  using Given = std::map<std::string, std::string>;

  /// `given` and `git_auth` are borrowed. `now` is before any file was looked at.
  NamedContexts(const Store& store, const Given& given, const GitAuth& git_auth, Time now,
                std::stop_token stop);

  /// `failed to get build context NAME: stat PATH: no such file or directory`.
  Result<void> check_directories() const;
  bool has(std::string_view name) const;
  /// Of a name that has() knows; it stays where it is.
  Result<NamedContext*> open(std::string_view name);
  /// Keeps what was learnt about files, for the next build.
  void save();

 private:
  Result<NamedContext> open_value(const std::string& value);
  Result<NamedContext> open_files(const std::string& path);
  Result<std::string> load_layout(std::string_view place);

  const Store& store_;
  const Given& given_;
  const GitAuth& git_auth_;
  Time now_;
  std::stop_token stop_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, NamedContext> opened_;
};

/// "NAME=VALUE" of the command line, NAME as an image would be called. InvalidArgument: `invalid
/// context value: x, expected key=value`, `invalid context name X`.
Result<std::pair<std::string, std::string>> parse_build_context(std::string_view text);

/// "DIRECTORY[:TAG|@DIGEST]", what stands behind oci-layout://. InvalidArgument for a bad digest.
struct LayoutPlace {
  std::string directory;
  std::string tag;               // "" if there is none
  std::optional<Digest> digest;  // of a manifest
};
Result<LayoutPlace> parse_layout_place(std::string_view text);

}  // namespace strata::build
