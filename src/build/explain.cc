#include "build/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <span>

#include "base/text.h"
#include "build/cache.h"
#include "build/committer.h"

namespace strata::build {
namespace {

constexpr std::size_t kShownLength = 60;  // of a value or an instruction
constexpr std::string_view kNop = "#(nop) ";

std::string shown(std::string_view text) {
  if (text.empty()) return "empty";
  if (text.size() <= kShownLength) return std::string(text);
  return std::string(text.substr(0, kShownLength)) + "...";
}

std::string change(std::string_view what, std::string_view was, std::string_view is) {
  return fmt::format("{}: was {}, is {}", what, shown(was), shown(is));
}

using Values = std::map<std::string, std::string>;

/// The first name whose value differs.
std::string first_change(std::string_view kind, const Values& was, const Values& is) {
  for (const auto& [name, value] : was) {
    auto now = is.find(name);
    if (now == is.end()) return fmt::format("{} {}: is not set any more", kind, name);
    if (now->second != value) return change(fmt::format("{} {}", kind, name), value, now->second);
  }
  for (const auto& [name, value] : is)
    if (!was.contains(name)) return fmt::format("{} {}: is new", kind, name);
  return "";
}

Values assignments(std::span<const std::string> words) {
  Values values;
  for (const auto& word : words) {
    auto equals = word.find('=');
    values[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
  }
  return values;
}

/// Cmd of a step: "|2 A=1 B=2 /bin/sh -c make".
struct StepWords {
  std::span<const std::string> args;
  std::span<const std::string> shell;  // of "#(nop)" steps alone
  std::span<const std::string> rest;

  explicit StepWords(const std::vector<std::string>& cmd) : rest(cmd) {
    if (!cmd.empty() && cmd[0].starts_with('|')) {
      std::size_t n = 0;
      std::from_chars(cmd[0].data() + 1, cmd[0].data() + cmd[0].size(), n);
      n = std::min(n, cmd.size() - 1);
      args = rest.subspan(1, n);
      rest = rest.subspan(n + 1);
    }
    auto nop =
        std::find_if(rest.begin(), rest.end(), [](const auto& w) { return w.starts_with(kNop); });
    auto before = static_cast<std::size_t>(nop - rest.begin());
    if (nop == rest.end()) return;
    shell = rest.first(before);
    rest = rest.subspan(before);
  }
};

std::string joined(std::span<const std::string> words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  if (text.starts_with(kNop)) text.erase(0, kNop.size());
  if (text.starts_with(' ')) text.erase(0, 1);
  return text;
}

std::string words_difference(const std::vector<std::string>& was,
                             const std::vector<std::string>& is) {
  StepWords a(was), b(is);
  if (!std::ranges::equal(a.rest, b.rest))
    return fmt::format("instruction: was \"{}\"", shown(joined(a.rest)));
  if (!std::ranges::equal(a.shell, b.shell))
    return change("SHELL", joined(a.shell), joined(b.shell));
  return first_change("build argument", assignments(a.args), assignments(b.args));
}

std::string text_of(const RunConfig& config) {
  return config.cmd ? joined(StepWords(*config.cmd).rest) : "";
}

/// How much of two texts is the same, at the front and at the back.
std::size_t likeness(std::string_view a, std::string_view b) {
  std::size_t front = 0;
  std::size_t shorter = std::min(a.size(), b.size());
  while (front < shorter && a[front] == b[front]) front++;
  std::size_t back = 0;
  while (back < shorter - front && a[a.size() - 1 - back] == b[b.size() - 1 - back]) back++;
  return front + back;
}

/// Without the sums: "COPY  in /app " of "COPY dir:0123 in /app ". Empty if it is no such step.
std::string without_sums(std::string_view text) {
  if (!text.starts_with("COPY ") && !text.starts_with("ADD ")) return "";
  for (std::string_view kind : {"file:", "dir:", "multi:"}) {
    auto start = text.find(kind);
    if (start == std::string_view::npos) continue;
    auto end = text.find(' ', start);
    if (end == std::string_view::npos) continue;
    return std::string(text.substr(0, start)).append(text.substr(end));
  }
  return "";
}

std::string_view keyword(std::string_view text) { return text.substr(0, text.find(' ')); }

/// Of the children of `parent`, the one whose step is most like this; the newest of several.
Result<std::optional<Image>> most_similar(const Store& store, const std::optional<ImageID>& parent,
                                          const RunConfig& probe) {
  std::optional<Image> best;
  std::size_t best_likeness = 0;
  auto text = text_of(probe);
  for (const auto& id : TRY(store.images().children(parent))) {
    auto image = store.images().get(id);
    if (!image || !image->config.container_config) continue;
    auto other = text_of(*image->config.container_config);
    if (keyword(other) != keyword(text)) continue;
    auto same = likeness(other, text);
    if (best && (same < best_likeness ||
                 (same == best_likeness && image->config.created <= best->config.created)))
      continue;
    best = *std::move(image);
    best_likeness = same;
  }
  return best;
}

/// The parent of an equal step elsewhere.
Result<std::optional<ImageID>> other_parent(const Store& store, const RunConfig& probe) {
  for (const auto& id : TRY(store.images().list())) {
    auto image = store.images().get(id);
    if (!image || !image->config.container_config) continue;
    if (!same_step(*image->config.container_config, probe)) continue;
    if (auto parent = store.images().parent(id)) return parent;
  }
  return std::optional<ImageID>();
}

std::string short_id(const ImageID& id) { return id.digest().hex().substr(0, 12); }

}  // namespace

std::string first_difference(const RunConfig& was, const RunConfig& is) {
  auto words = [](const auto& list) { return list.value_or(std::vector<std::string>()); };
  if (auto d = words_difference(words(was.cmd), words(is.cmd)); !d.empty()) return d;
  auto env = first_change("variable", assignments(words(was.env)), assignments(words(is.env)));
  if (!env.empty()) return env;
  if (was.user != is.user) return change("USER", was.user, is.user);
  auto labels = first_change("label", was.labels.value_or(Values()), is.labels.value_or(Values()));
  if (!labels.empty()) return labels;
  if (words(was.entrypoint) != words(is.entrypoint))
    return change("ENTRYPOINT", joined(words(was.entrypoint)), joined(words(is.entrypoint)));
  if (was.exposed_ports != is.exposed_ports) return "EXPOSE: other ports";
  if (was.volumes != is.volumes) return "VOLUME: other paths";
  if (words(was.on_build) != words(is.on_build)) return "ONBUILD: other triggers";
  if (was.shell != is.shell) return change("SHELL", joined(was.shell), joined(is.shell));
  return "";
}

Result<CacheMiss> explain_miss(const Store& store, const std::optional<ImageID>& parent,
                               const RunConfig& probe) {
  auto image = TRY(most_similar(store, parent, probe));
  if (!image) {
    auto elsewhere = TRY(other_parent(store, probe));
    if (!elsewhere) return CacheMiss{"no earlier build had this step here", {}};
    return CacheMiss{fmt::format("parent: was {}, is {}", short_id(*elsewhere),
                                 parent ? short_id(*parent) : "scratch"),
                     {}};
  }
  const auto& was = *image->config.container_config;
  auto without = without_sums(text_of(probe));
  if (!without.empty() && without == without_sums(text_of(was)))
    return CacheMiss{"the files differ", std::move(image)};
  auto reason = first_difference(was, probe);
  if (reason.empty()) reason = fmt::format("the layers of {} are not there", short_id(image->id));
  return CacheMiss{std::move(reason), {}};
}

}  // namespace strata::build
