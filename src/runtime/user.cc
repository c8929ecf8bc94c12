#include "runtime/user.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/fd.h"
#include "base/io.h"
#include "base/text.h"

namespace strata {
namespace {

constexpr std::size_t kMaxDatabase = std::size_t{16} << 20;
constexpr std::int64_t kMaxId = 0x7fffffff;  // docker's limit

/// A whole decimal number, however large; nullopt for anything else.
std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return std::numeric_limits<std::int64_t>::max();
  if (error != std::errc()) return std::nullopt;
  return value;
}

Result<std::uint32_t> checked_id(std::int64_t id) {
  if (id < 0 || id > kMaxId)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("uids and gids must be in range 0-{}", kMaxId));
  return static_cast<std::uint32_t>(id);
}

/// etc/passwd or etc/group, a list of lines with fields between colons (passwd(5), group(5)).
class Database {
 public:
  /// NotFound if the file is absent. Never blocks: what the image has there may be a fifo.
  static Result<Database> read(int root, const std::string& path) {
    auto fd = TRY(open_in_root(root, path, Resolve::InRoot, O_RDONLY | O_NONBLOCK | O_NOCTTY));
    struct stat st = {};
    if (::fstat(fd.get(), &st) < 0) return Error::from_errno(errno, "stat " + path);
    if (!S_ISREG(st.st_mode))
      return Error(ErrorCode::InvalidArgument, path + ": not a regular file");
    Database database;
    database.text_ = TRY(read_all(fd.get(), kMaxDatabase).context("{}", path));
    return database;
  }

  static Result<Database> read_or_empty(int root, const std::string& path) {
    auto database = read(root, path);
    if (!database && database.error().code() == ErrorCode::NotFound) return Database();
    return database;
  }

  /// The fields of every line with at least `count` of them, until `visit` returns false.
  template <class Visit>
  void each(std::size_t count, Visit visit) const {
    for (auto line : split(text_, '\n')) {
      auto fields = split(line, ':');
      if (fields.size() >= count && !visit(fields)) return;
    }
  }

 private:
  std::string text_;
};

struct PasswdEntry {
  std::string name;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::string home;
};

/// The first entry with that number or, if `user` is none, with that name.
std::optional<PasswdEntry> find_user(const Database& passwd, std::string_view user) {
  auto number = parse_number(user);
  std::optional<PasswdEntry> found;
  passwd.each(4, [&](const auto& f) {
    auto uid = parse_number(f[2]);
    auto gid = parse_number(f[3]);
    if (!uid || !gid || (number ? *uid != *number : f[0] != user)) return true;
    found = PasswdEntry{std::string(f[0]), *uid, *gid, std::string(f.size() > 5 ? f[5] : "")};
    return false;
  });
  return found;
}

std::optional<std::int64_t> find_group(const Database& group, std::string_view name) {
  std::optional<std::int64_t> found;
  group.each(3, [&](const auto& f) {
    if (f[0] == name) found = parse_number(f[2]);
    return !found;
  });
  return found;
}

Result<std::vector<gid_t>> groups_of(const Database& group, std::string_view user) {
  std::vector<std::int64_t> gids;
  group.each(4, [&](const auto& f) {
    auto members = split(f[3], ',');
    auto gid = parse_number(f[2]);
    if (gid && std::find(members.begin(), members.end(), user) != members.end())
      gids.push_back(*gid);
    return true;
  });
  std::sort(gids.begin(), gids.end());
  gids.erase(std::unique(gids.begin(), gids.end()), gids.end());
  std::vector<gid_t> checked;
  for (auto gid : gids) checked.push_back(TRY(checked_id(gid)));
  return checked;
}

Error not_found(std::string_view kind, std::string_view name, std::string_view file) {
  return {ErrorCode::InvalidArgument,
          fmt::format("unable to find {} {}: no matching entries in {} file", kind, name, file)};
}

/// A group by number, taken as it is, or by name.
Result<gid_t> resolve_group(int root, std::string_view name) {
  if (auto number = parse_number(name)) return checked_id(*number);
  auto group = TRY(Database::read_or_empty(root, "etc/group"));
  auto gid = find_group(group, name);
  if (!gid) return not_found("group", name, "group");
  return checked_id(*gid);
}

/// uid and gid of a part of `--chown`.
Result<std::uint32_t> chown_id(int root, std::string_view name, bool is_group) {
  if (auto number = parse_number(name)) return checked_id(*number);
  auto database = TRY(Database::read(root, is_group ? "etc/group" : "etc/passwd"));
  std::optional<std::int64_t> id;
  if (is_group) {
    id = find_group(database, name);
  } else if (auto entry = find_user(database, name)) {
    id = entry->uid;
  }
  if (id) return checked_id(*id);
  return Error(ErrorCode::InvalidArgument,
               is_group ? fmt::format("can't find gid for group {0}: no such group: {0}", name)
                        : fmt::format("can't find uid for user {0}: no such user: {0}", name));
}

Result<Owner> chown_owner(int root, std::string_view spec) {
  auto parts = split(spec, ':');
  if (parts.size() > 2)
    return Error(ErrorCode::InvalidArgument, fmt::format("invalid chown string format: {}", spec));
  Owner owner;
  owner.uid = TRY(chown_id(root, parts[0], false));
  if (parts.size() == 2) {
    owner.gid = TRY(chown_id(root, parts[1], true));
  } else if (parse_number(parts[0])) {
    owner.gid = owner.uid;
  } else {
    auto passwd = TRY(Database::read(root, "etc/passwd"));
    owner.gid = TRY(checked_id(find_user(passwd, parts[0]).value_or(PasswdEntry()).gid));
  }
  return owner;
}

}  // namespace

Result<ResolvedUser> resolve_user(int root, std::string_view spec) {
  auto colon = spec.find(':');
  auto user = spec.substr(0, colon);
  auto group = colon == std::string_view::npos ? std::string_view() : spec.substr(colon + 1);
  auto passwd = TRY(Database::read_or_empty(root, "etc/passwd"));
  auto entry = find_user(passwd, user.empty() ? "0" : user);
  auto number = user.empty() ? 0 : parse_number(user);
  if (!entry && !number) return not_found("user", user, "passwd");

  ResolvedUser resolved;
  resolved.uid = TRY(checked_id(entry ? entry->uid : *number));
  if (entry) {
    resolved.gid = TRY(checked_id(entry->gid));
    if (!entry->home.empty()) resolved.home = entry->home;
  }
  if (!group.empty()) {
    resolved.gid = TRY(resolve_group(root, group));
  } else if (entry) {
    auto groups = TRY(Database::read_or_empty(root, "etc/group"));
    resolved.additional_gids = TRY(groups_of(groups, entry->name));
  }
  return resolved;
}

Result<Owner> resolve_chown(int root, std::string_view spec) {
  return chown_owner(root, spec).context("unable to convert uid/gid chown string to host mapping");
}

}  // namespace strata
