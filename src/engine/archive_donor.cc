#include "engine/archive_donor.h"

#include <fcntl.h>

#include <map>

#include "archive/contents.h"
#include "archive/members.h"
#include "base/io.h"
#include "compress/detect.h"

namespace strata {
namespace {

class ArchiveDonor final : public Donor {
 public:
  ArchiveDonor(std::string name, std::unique_ptr<archive::Members> members,
               const std::vector<archive::ArchivedImage>& images)
      : name_(std::move(name)), members_(std::move(members)) {
    for (const auto& image : images) {
      configs_[image.id] = image.config;
      for (std::size_t i = 0; i < image.layers.size(); i++)
        if (members_->contains(image.layers[i].member))
          layers_[image.parsed.diff_ids[i]] = image.layers[i].member;
    }
  }

  const std::string& name() const override { return name_; }
  bool has(DiffID id) const override { return layers_.contains(id); }
  Result<void> read(DiffID id, const std::function<Result<void>(ByteSource&)>& use) const override {
    auto member = TRY(members_->open(layers_.at(id)));
    auto plain = TRY(decompress(*member));
    return use(*plain).context("{}: {}", name_, layers_.at(id));
  }
  std::optional<std::string> config(ImageID id) const override {
    auto found = configs_.find(id);
    return found == configs_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::string name_;
  std::unique_ptr<archive::Members> members_;
  std::map<DiffID, std::string> layers_;  // their members
  std::map<ImageID, std::string> configs_;
};

}  // namespace

Result<std::unique_ptr<Donor>> open_archive_donor(const Store& store, const std::string& path,
                                                  const std::stop_token& stop) {
  auto file = TRY(open_at(AT_FDCWD, path, O_RDONLY));
  int spool = store.own_dir() >= 0 ? store.own_dir() : store.dir();
  auto members = TRY(archive::open_members(std::move(file), spool, stop).context("{}", path));
  auto images = TRY(archive::read_contents(*members, host_platform()).context("{}", path));
  return std::unique_ptr<Donor>(new ArchiveDonor(path, std::move(members), images));
}

}  // namespace strata
