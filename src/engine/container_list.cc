// `ps`: which containers, and what is told of each.
#include <regex.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>

#include "container/lookup.h"
#include "engine/container_view.h"
#include "engine/containers.h"
#include "engine/filter.h"
#include "image/units.h"

namespace strata {
namespace {

Error invalid_filter(std::string_view name, std::string_view value) {
  return Error(ErrorCode::InvalidArgument, fmt::format("Invalid filter '{}={}'", name, value));
}

/// Whether an extended regular expression is found in a text, as docker compares names and IDs.
Result<bool> found_in(const std::string& pattern, const std::string& text) {
  regex_t compiled;
  if (::regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) return pattern == text;
  bool found = ::regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  ::regfree(&compiled);
  return found;
}

/// Values of one filter are alternatives, different filters must all fit.
class ContainerFilters {
 public:
  static Result<ContainerFilters> parse(const Store& store, const std::vector<std::string>& texts) {
    ContainerFilters f;
    for (const auto& text : texts) {
      auto [name, value] = TRY(split_filter(text));
      TRY(f.add(store, name, value));
    }
    return f;
  }

  bool asks_for_status() const { return !status_.empty(); }

  Result<bool> match(const Store& store, const ContainerRecord& r) const {
    if (!ids_.empty() && !TRY(any_found(ids_, r.id))) return false;
    // With and without slash, since a pattern may begin with ^.
    if (!names_.empty() && !TRY(any_found(names_, r.name)) &&
        !TRY(any_found(names_, r.name.substr(std::min<std::size_t>(1, r.name.size())))))
      return false;
    auto state = state_word(r);
    if (!status_.empty() && !status_.contains(state)) return false;
    if (!exit_codes_.empty() && (state != "exited" || !exit_codes_.contains(r.state.exit_code)))
      return false;
    if (before_ && !(r.created < *before_)) return false;
    if (since_ && !(r.created > *since_)) return false;
    if (!networks_.empty() && !networks_.contains(r.host.network_mode)) return false;
    if (!ancestors_.empty() && !has_ancestor(store, r)) return false;
    return matches_labels(r) && matches_volumes(r);
  }

 private:
  Result<void> add(const Store& store, const std::string& name, const std::string& value) {
    constexpr std::string_view kStates[] = {"created", "restarting", "running", "removing",
                                            "paused",  "exited",     "dead"};
    if (name == "id") {
      ids_.push_back(value);
    } else if (name == "name") {
      names_.push_back(value);
    } else if (name == "label") {
      labels_.push_back(value);
    } else if (name == "volume") {
      volumes_.push_back(value);
    } else if (name == "network") {
      networks_.insert(value);
    } else if (name == "status") {
      if (std::find(std::begin(kStates), std::end(kStates), value) == std::end(kStates))
        return invalid_filter(name, value);
      status_.insert(value);
    } else if (name == "exited") {
      int code = 0;
      auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), code);
      if (error != std::errc() || end != value.data() + value.size())
        return invalid_filter(name, value);
      exit_codes_.insert(code);
    } else if (name == "before") {
      before_ = TRY(find_container(store, value)).created;
    } else if (name == "since") {
      since_ = TRY(find_container(store, value)).created;
    } else if (name == "ancestor") {
      // An image that is not there has no containers.
      auto id = resolve_image(store, value);
      ancestors_.insert(id ? id->str() : value);
    } else {
      return Error(ErrorCode::InvalidArgument, fmt::format("Invalid filter '{}'", name));
    }
    return {};
  }

  static Result<bool> any_found(const std::vector<std::string>& patterns, const std::string& text) {
    for (const auto& pattern : patterns)
      if (TRY(found_in(pattern, text))) return true;
    return false;
  }

  bool has_ancestor(const Store& store, const ContainerRecord& r) const {
    if (ancestors_.contains(r.image) || ancestors_.contains(r.config.image)) return true;
    auto digest = Digest::parse(r.image);
    if (!digest) return false;
    std::optional<ImageID> id = ImageID(*digest);
    for (int depth = 0; id && depth < 1000; depth++) {
      if (ancestors_.contains(id->str())) return true;
      id = store.images().parent(*id);
    }
    return false;
  }

  bool matches_labels(const ContainerRecord& r) const {
    return std::all_of(labels_.begin(), labels_.end(), [&](const std::string& wanted) {
      if (!r.config.labels) return false;
      auto equals = wanted.find('=');
      auto label = r.config.labels->find(wanted.substr(0, equals));
      if (label == r.config.labels->end()) return false;
      return equals == std::string::npos || label->second == wanted.substr(equals + 1);
    });
  }

  bool matches_volumes(const ContainerRecord& r) const {
    if (volumes_.empty()) return true;
    return std::any_of(r.mounts.begin(), r.mounts.end(), [&](const MountPoint& m) {
      return std::any_of(volumes_.begin(), volumes_.end(), [&](const std::string& v) {
        return v == m.name || v == m.destination || (m.type == "bind" && v == m.source);
      });
    });
  }

  std::vector<std::string> ids_;
  std::vector<std::string> names_;
  std::vector<std::string> labels_;
  std::vector<std::string> volumes_;
  std::set<std::string> networks_;
  std::set<std::string> status_;
  std::set<std::string> ancestors_;
  std::set<int> exit_codes_;
  std::optional<Time> before_;
  std::optional<Time> since_;
};

/// What images are called in a list; each name is looked up once.
class ImageNames {
 public:
  explicit ImageNames(const Store& store) : store_(store) {}

  /// The name that the user gave, as long as it means the same image.
  std::string of(const ContainerRecord& r) {
    const auto& given = r.config.image;
    if (given == r.image) return r.image;
    auto found = known_.find(given);
    if (found == known_.end()) {
      auto now = resolve_image(store_, given);
      found = known_.emplace(given, now ? now->str() : "").first;
    }
    return found->second == r.image ? given : r.image;
  }

 private:
  const Store& store_;
  std::map<std::string, std::string> known_;  // to IDs; "" if it means none
};

Result<ContainerRow> make_row(const Store& store, const ContainerRecord& r, ImageNames& images,
                              bool size) {
  ContainerRow row;
  row.id = r.id;
  row.names = {r.name.substr(std::min<std::size_t>(1, r.name.size()))};
  row.image = images.of(r);
  row.image_id = r.image;
  row.command = r.path;
  // An argument with a blank is shown in quotes, as docker does.
  for (const auto& arg : r.args)
    row.command += arg.find(' ') == std::string::npos ? ' ' + arg : " '" + arg + "'";
  row.created = r.created;
  row.state = state_word(r);
  row.status = status_text(r, Time::now());
  row.labels = Json::object();
  if (r.config.labels)
    for (const auto& [name, value] : *r.config.labels) row.labels.set(name, value);
  for (const auto& m : r.mounts) row.mounts.push_back(m.name.empty() ? m.source : m.name);
  row.networks = r.host.network_mode;
  if (size) {
    auto sizes = container_sizes(store, r);
    // Being removed: its layer goes after its record.
    if (!sizes && sizes.error().code() != ErrorCode::NotFound) return std::move(sizes).error();
    row.size_rw = sizes ? sizes->writable : 0;
    row.size_root_fs = sizes ? sizes->root_fs : 0;
  }
  return row;
}

}  // namespace

Result<std::vector<ContainerRow>> list_containers(const EngineOptions& engine,
                                                  const ListContainersRequest& request) {
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  auto filters = TRY(ContainerFilters::parse(*store, request.filters));
  bool all = request.all || request.last > 0 || filters.asks_for_status();
  ImageNames images(*store);
  std::vector<ContainerRow> rows;
  for (auto& record : TRY(list_containers(*store))) {
    settle_state(*store, record);
    if (!all && !record.state.running) continue;
    if (!TRY(filters.match(*store, record))) continue;
    if (request.last > 0 && rows.size() == static_cast<std::size_t>(request.last)) break;
    rows.push_back(TRY(make_row(*store, record, images, request.size)));
  }
  return rows;
}

}  // namespace strata
