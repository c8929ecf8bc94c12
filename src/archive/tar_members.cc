#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "archive/detail/range_source.h"
#include "archive/members.h"
#include "tar/reader.h"

namespace strata::archive {

Result<std::size_t> detail::RangeSource::read(std::span<char> buffer) {
  auto wanted = std::min(
      {static_cast<std::uint64_t>(left_), std::uint64_t{buffer.size()}, std::uint64_t{piece_}});
  if (wanted == 0) return std::size_t{0};
  while (true) {
    ssize_t n = ::pread(fd_, buffer.data(), wanted, at_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno(errno, "read");
    if (n == 0) return Error(ErrorCode::Corrupt, "unexpected EOF");
    at_ += n;
    left_ -= n;
    return static_cast<std::size_t>(n);
  }
}

namespace {

constexpr std::size_t kHeaderPiece = 4096;  // bytes read ahead of a header
constexpr int kMaxLinks = 40;               // as the kernel

struct TarMember {
  tar::EntryType type = tar::EntryType::Regular;
  std::int64_t begin = 0;  // of the content, in the file
  std::int64_t size = 0;
  std::string target;  // of links: the clean name of another member
};

Error bad_link(const std::string& name) {
  return Error(ErrorCode::Corrupt, "tar entry " + name + ": its link leads out of the archive");
}

/// The member that a symbolic link in `name` stands for, which must be one of this archive.
Result<std::string> symlink_target(const std::string& name, std::string_view link) {
  if (link.starts_with('/')) return bad_link(name);
  std::vector<std::string_view> parts;
  auto add = [&](std::string_view text) {
    while (!text.empty()) {
      auto slash = text.find('/');
      auto part = text.substr(0, slash);
      text = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
      if (part.empty() || part == ".") continue;
      if (part != "..") {
        parts.push_back(part);
      } else if (parts.empty()) {
        return false;
      } else {
        parts.pop_back();
      }
    }
    return true;
  };
  auto slash = name.rfind('/');
  if (slash != std::string::npos) add(std::string_view(name).substr(0, slash));
  if (!add(link)) return bad_link(name);
  std::string target;
  for (auto part : parts) target.append(target.empty() ? "" : "/").append(part);
  return target;
}

class TarMembers final : public Members {
 public:
  TarMembers(UniqueFd file, std::map<std::string, TarMember> members)
      : file_(std::move(file)), members_(std::move(members)) {}

  Result<std::unique_ptr<ByteSource>> open(const std::string& name) const override {
    auto found = members_.find(name);
    for (int links = 0; found != members_.end(); links++) {
      const auto& m = found->second;
      if (m.type == tar::EntryType::Regular)
        return std::unique_ptr<ByteSource>(
            std::make_unique<detail::RangeSource>(file_.get(), m.begin, m.size));
      if (m.type != tar::EntryType::Symlink && m.type != tar::EntryType::HardLink)
        return Error(ErrorCode::Corrupt, name + ": not a regular file");
      if (links == kMaxLinks)
        return Error(ErrorCode::Corrupt, name + ": too many levels of symbolic links");
      found = members_.find(m.target);
    }
    return Error(ErrorCode::NotFound, name + ": no such member");
  }

  bool contains(const std::string& name) const override { return members_.contains(name); }

  Result<std::vector<std::string>> names() const override {
    std::vector<std::string> names;
    for (const auto& [name, member] : members_)
      if (member.type != tar::EntryType::Directory) names.push_back(name);
    return names;
  }

 private:
  UniqueFd file_;
  std::map<std::string, TarMember> members_;
};

Result<TarMember> tar_member(const std::string& name, const tar::Entry& entry) {
  TarMember member;
  member.type = entry.type;
  member.size = entry.size;
  if (entry.type == tar::EntryType::Symlink)
    member.target = TRY(symlink_target(name, entry.linkname));
  if (entry.type == tar::EntryType::HardLink) {
    auto target = tar::clean_name(entry.linkname);
    if (!target) return bad_link(name);
    member.target = *std::move(target);
  }
  return member;
}

}  // namespace

Result<std::unique_ptr<Members>> index_tar(UniqueFd file, std::int64_t begin) {
  struct stat st = {};
  if (::fstat(file.get(), &st) < 0) return Error::from_errno(errno, "stat");
  std::map<std::string, TarMember> members;
  std::size_t count = 0;
  for (std::int64_t at = begin; at < st.st_size;) {
    // A reader for each member: contents are jumped over, however large.
    detail::RangeSource header(file.get(), at, st.st_size - at, kHeaderPiece);
    tar::Reader reader(header);
    auto entry = TRY(reader.next());
    if (!entry) break;
    at += static_cast<std::int64_t>(reader.raw().size());
    if (entry->size > st.st_size - at)
      return Error(ErrorCode::Corrupt, "tar entry " + entry->name + ": unexpected EOF");
    if (++count > kMaxMembers) return Error(ErrorCode::Corrupt, "too many members");
    if (entry->type != tar::EntryType::GlobalPax) {
      auto name = tar::clean_name(entry->name);
      if (!name)
        return Error(ErrorCode::Corrupt,
                     "tar entry " + entry->name + ": its name leads out of the archive");
      auto member = TRY(tar_member(*name, *entry));
      member.begin = at;
      if (!name->empty()) members.insert_or_assign(*std::move(name), std::move(member));
    }
    at += entry->size + static_cast<std::int64_t>(tar::padding_size(entry->size));
  }
  return std::unique_ptr<Members>(
      std::make_unique<TarMembers>(std::move(file), std::move(members)));
}

}  // namespace strata::archive
