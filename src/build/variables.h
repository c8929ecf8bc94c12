#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::build {

using EnvList = std::vector<std::string>;  // "NAME=value"

/// The value of `name` in a list of NAME=value; nullopt if it is not there.
std::optional<std::string> env_value(const EnvList& env, std::string_view name);
/// Replaces in place, or appends.
void set_env(EnvList& env, const std::string& name, const std::string& value);

/// What --build-arg gave, and what became of it. Shared by all stages, which may run at once; the
/// global ARGs are declared before them.
class BuildArgs {
 public:
  using Given = std::map<std::string, std::optional<std::string>>;
  explicit BuildArgs(const Given& given);

  /// An ARG before the first FROM; `value` is expanded.
  void declare_global(const std::string& name, const std::optional<std::string>& value);
  /// For FROM lines: global ARGs and the platform arguments.
  std::optional<std::string> global(std::string_view name) const;
  /// The value that an `ARG name` in a stage gets: --build-arg, else the stage's default, else the
  /// global value.
  std::optional<std::string> declare(const std::string& name,
                                     const std::optional<std::string>& value);
  /// Proxy settings that were given: RUN sees them even if no ARG declares them.
  std::vector<std::pair<std::string, std::string>> proxies() const;
  /// Names that were given and declared nowhere; proxies and what speaks to the builder itself
  /// (SOURCE_DATE_EPOCH, BUILDKIT_...) never count.
  std::vector<std::string> unused() const;

 private:
  const Given& given_;
  std::map<std::string, std::string, std::less<>> globals_;
  mutable std::mutex mutex_;  // guards used_
  std::set<std::string> used_;
};

/// The ARGs that are visible at a point of a stage. ENV and ARG of one name: the later one wins.
class StageArgs {
 public:
  void set(const std::string& name, const std::optional<std::string>& value);
  void hide(const std::string& name) { values_.erase(name); }  // an ENV of that name came
  std::optional<std::string> get(std::string_view name) const;
  const std::map<std::string, std::string, std::less<>>& values() const { return values_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace strata::build
