#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/file_draft.h"
#include "digest/digest.h"
#include "image/reference.h"

namespace strata {

/// Tags: ROOT/image/overlay2/repositories.json. Format: docs/store.md, 5.1. Every change reads the
/// file anew under a lock of its own and replaces it by rename, fsynced: dockerd does not start on
/// a broken one. Any thread, any process.
class References {
 public:
  /// Familiar repository name -> familiar reference ("app:1", "app@sha256:...") -> image.
  using Repositories = std::map<std::string, std::map<std::string, ImageID>>;

  /// `image_dir` is ROOT/image/overlay2, `lock_dir` ROOT/strata. Both are borrowed.
  References(int image_dir, int lock_dir) : image_dir_(image_dir), lock_dir_(lock_dir) {}

  /// If there is no file writes what the copy holds (see load_copy()), else an empty set, as
  /// dockerd does when it starts.
  Result<void> create_if_missing() const;
  /// A missing file is an empty set.
  Result<Repositories> load() const;
  Result<std::optional<ImageID>> get(const Reference& ref) const;
  /// All references of one image, sorted as bytes.
  Result<std::vector<std::string>> names_of(ImageID id) const;
  /// Points `ref` to `id`, whatever it named before; returns what that was.
  Result<std::optional<ImageID>> set(const Reference& ref, ImageID id) const;
  /// Does so with several, in this order and in one step: a reader sees none or all. `prepared`, if
  /// there is one, saves a sync where nobody else has changed names meanwhile.
  using Names = std::vector<std::pair<Reference, ImageID>>;
  class Prepared;
  Result<std::vector<std::optional<ImageID>>> set_all(const Names& names,
                                                      Prepared* prepared = nullptr) const;
  /// Writes beside the file what set_all() would make of it, for whoever syncs all of the store
  /// before that. Nothing if all is as it shall be.
  Result<std::optional<Prepared>> prepare(const Names& names) const;
  /// Removes all references to an image in one step and gives them, sorted by their full names.
  Result<std::vector<Reference>> remove_all(ImageID id) const;
  /// Every change is also written to ROOT/strata/repositories.json, from which `strata check`
  /// brings back what stood in a destroyed file. Corrupt or NotFound as any file.
  Result<Repositories> load_copy() const;
  Result<void> save_copy() const;
  /// Writes the whole anew, whatever was there, for repairs.
  Result<void> replace(const Repositories& repositories) const;
  /// False if there was no such reference.
  Result<bool> remove(const Reference& ref) const;

 private:
  Result<std::string> read() const;  // a missing file is an empty set
  Result<bool> has_all(const Names& names) const;
  int image_dir_;
  int lock_dir_;
};

/// The file with names to be, safe on the disk if the store was synced since it was prepared.
class References::Prepared {
 private:
  friend class References;
  Prepared(std::string text, FileDraft file) : text_(std::move(text)), file_(std::move(file)) {}
  std::string text_;
  FileDraft file_;
};

/// Is called with every repository, reference and image in the file.
using VisitReference =
    std::function<void(std::string_view repository, std::string_view reference, ImageID image)>;

/// Goes through the content of repositories.json. Corrupt if it is not what it should be; then
/// something may have been visited already.
Result<void> visit_repositories(std::string_view text, const VisitReference& visit);

/// The content of repositories.json. Corrupt if it is not what it should be.
Result<References::Repositories> parse_repositories(std::string_view text);

/// All references of each image, sorted.
std::map<ImageID, std::vector<std::string>> references_by_image(
    const References::Repositories& repositories);

/// As references, sorted by their full names, as docker goes through them; what is none is left
/// out.
std::vector<Reference> parse_references(const std::vector<std::string>& names);

/// The references of one image, sorted by their full names.
std::vector<Reference> references_of(const References::Repositories& repositories, ImageID id);

}  // namespace strata
