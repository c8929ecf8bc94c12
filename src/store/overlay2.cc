#include "store/overlay2.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/io.h"
#include "base/random_id.h"
#include "base/temp_dir.h"

namespace strata {
namespace {

constexpr std::size_t kMaxLowers = 128;  // of one mount, in dockerd's driver and in the kernel's

/// Cache-ids come from files of the store; one that is a path would lead out of overlay2/.
Result<void> check_id(const std::string& id) {
  if (id.empty() || id == "l" || id[0] == '.' || id.find('/') != std::string::npos)
    return Error(ErrorCode::Corrupt, fmt::format("bad cache-id \"{}\"", id));
  return {};
}

/// Can one mount stand on all of them?
Result<void> check_height(const std::string& id, const std::vector<std::string>& stack) {
  if (stack.size() <= kMaxLowers) return {};
  return Error(ErrorCode::InvalidArgument, fmt::format("{}: more than {} layers", id, kMaxLowers));
}

bool is_link_name(std::string_view name) {
  return !name.empty() && name[0] != '.' && name.find_first_of("/:,\\") == std::string_view::npos;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

/// mkdir with exactly `mode`, whatever the umask.
Result<void> make_dir(int dir, const std::string& name, mode_t mode) {
  if (::mkdirat(dir, name.c_str(), mode) < 0) return Error::from_errno(errno, "mkdir " + name);
  if (::fchmodat(dir, name.c_str(), mode, 0) < 0) return Error::from_errno(errno, "chmod " + name);
  return {};
}

/// Reads <id>/link: the 26-character name.
Result<std::string> read_link_name(int overlay, const std::string& id) {
  auto name = trimmed(TRY(read_small(overlay, id + "/link")));
  if (!is_link_name(name)) return Error(ErrorCode::Corrupt, fmt::format("{}/link is damaged", id));
  return name;
}

/// The one that leads to the cache, if its own file does not say it.
Result<std::string> find_link_name(int overlay, const std::string& id) {
  auto links = TRY(open_dir(overlay, "l"));
  auto target = fmt::format("../{}/diff", id);
  for (const auto& name : TRY(list_dir(links.get()))) {
    auto leads_to = read_link_at(links.get(), name);
    if (leads_to && *leads_to == target) return name;
  }
  return Error(ErrorCode::NotFound, "no link leads to " + id);
}

/// Makes l/<short>; a name that is taken already is drawn again.
Result<std::string> make_link(int overlay, const std::string& id) {
  auto target = fmt::format("../{}/diff", id);
  for (int attempt = 0; attempt < 8; attempt++) {
    auto link = "l/" + random_link_name();
    if (::symlinkat(target.c_str(), overlay, link.c_str()) == 0) return link;
    if (errno != EEXIST) return Error::from_errno(errno, "symlink " + link);
  }
  return Error(ErrorCode::Internal, "no free name in overlay2/l");
}

}  // namespace

CacheDir::CacheDir(int overlay, std::string id, std::string link, UniqueFd diff)
    : overlay_(overlay), id_(std::move(id)), link_(std::move(link)), diff_(std::move(diff)) {}

CacheDir::~CacheDir() {
  if (kept_) return;
  diff_ = UniqueFd();
  // The directory first: while it is there, its `link` and l/<short> belong together.
  (void)remove_tree(overlay_, id_);
  ::unlinkat(overlay_, link_.c_str(), 0);
}

Result<std::shared_ptr<CacheDir>> Overlay2::create(bool with_work, std::string id) {
  if (id.empty()) id = random_id();
  TRY(check_id(id));
  if (note_) TRY(note_("overlay2/" + id));
  TRY(make_dir(dir(), id, 0710));
  std::string link;
  auto made = [&]() -> Result<std::shared_ptr<CacheDir>> {
    TRY(make_dir(dir(), id + "/diff", 0755));
    auto diff = TRY(open_dir(dir(), id + "/diff"));
    link = TRY(make_link(dir(), id));
    TRY(write_file(dir(), id + "/link", link.substr(2), 0644));
    if (with_work) TRY(make_dir(dir(), id + "/work", 0700));
    return std::make_shared<CacheDir>(dir(), id, link, std::move(diff));
  }();
  if (!made) {
    (void)remove_tree(dir(), id);
    if (!link.empty()) ::unlinkat(dir(), link.c_str(), 0);
  }
  return made;
}

Result<void> Overlay2::set_parent(const std::string& id, const std::string& parent) {
  return set_parent(id, parent, TRY(stack(parent)));
}

Result<void> Overlay2::set_parent(const std::string& id, const std::string& parent,
                                  const std::vector<std::string>& parent_stack) {
  TRY(check_id(id));
  TRY(check_height(parent, parent_stack));
  std::string lower;
  for (const auto& link : parent_stack) lower += (lower.empty() ? "" : ":") + link;
  TRY(write_file_atomic(dir(), id + "/lower", lower, 0644));
  (void)TRY(open_at(dir(), parent + "/committed", O_WRONLY | O_CREAT, 0600));
  return {};
}

Result<std::vector<std::string>> Overlay2::stack(const std::string& id) const {
  TRY(check_id(id));
  std::vector<std::string> links = {"l/" + TRY(read_link_name(dir(), id))};
  auto lower = read_file(dir(), id + "/lower", 64 << 10);
  if (!lower) {
    if (lower.error().code() == ErrorCode::NotFound) return links;
    return std::move(lower).error();
  }
  auto text = trimmed(*std::move(lower));
  for (std::size_t begin = 0; begin <= text.size();) {
    auto end = std::min(text.find(':', begin), text.size());
    auto link = text.substr(begin, end - begin);
    if (link.compare(0, 2, "l/") != 0 || !is_link_name(std::string_view(link).substr(2)))
      return Error(ErrorCode::Corrupt, fmt::format("{}/lower is damaged", id));
    links.push_back(std::move(link));
    begin = end + 1;
  }
  TRY(check_height(id, links));
  return links;
}

Result<UniqueFd> Overlay2::open_diff(const std::string& id) const {
  TRY(check_id(id));
  return open_at(dir(), id + "/diff", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

Result<void> Overlay2::remove(const std::string& id) {
  TRY(check_id(id));
  auto link = read_link_name(dir(), id);
  if (!link && link.error().code() == ErrorCode::Corrupt) link = find_link_name(dir(), id);
  auto removed = remove_tree(dir(), id);
  if (link) ::unlinkat(dir(), ("l/" + *link).c_str(), 0);
  if (!removed && removed.error().code() != ErrorCode::NotFound) return removed;
  return {};
}

}  // namespace strata
