#include <algorithm>

#include "archive/save.h"

namespace strata::archive {
namespace {

class Selection {
 public:
  explicit Selection(const Store& store) : store_(store) {}

  Result<void> add(std::string_view text) {
    auto hex = text;
    if (hex.starts_with("sha256:")) hex.remove_prefix(7);
    if (is_full_id(hex)) return add_image(TRY(resolve_image(store_, hex)), nullptr);
    auto reference = TRY(Reference::parse_normalized(text));
    if (reference.familiar_name() == "sha256") return add_image(TRY(find(text, hex)), nullptr);
    if (!reference.is_name_only()) {
      auto id = TRY(store_.references().get(reference));
      if (!id) return Error(ErrorCode::NotFound, "reference does not exist");
      return add_image(*id, reference.digest ? nullptr : &reference);
    }
    return add_repository(reference, text);
  }

  std::vector<SavedImage> take() { return std::move(images_); }

 private:
  Result<ImageID> find(std::string_view text, std::string_view hex) {
    auto id = store_.images().find(hex);
    if (!id && id.error().code() == ErrorCode::NotFound)
      return Error(ErrorCode::NotFound, fmt::format("No such image: {}", text));
    return id;
  }

  Result<void> add_repository(const Reference& repository, std::string_view text) {
    auto all = TRY(store_.references().load());
    auto tags = all.find(repository.familiar_name());
    if (tags == all.end() || tags->second.empty()) return add_image(TRY(find(text, text)), nullptr);
    for (const auto& [name, id] : tags->second) {
      auto reference = TRY(Reference::parse_normalized(name));
      TRY(add_image(id, reference.digest ? nullptr : &reference));
    }
    return {};
  }

  Result<void> add_image(ImageID id, const Reference* name) {
    auto found = std::find_if(images_.begin(), images_.end(),
                              [&](const SavedImage& other) { return other.image.id == id; });
    if (found == images_.end()) {
      images_.push_back({TRY(store_.images().get(id)), {}});
      found = images_.end() - 1;
    }
    if (name == nullptr) return {};
    if (std::find(found->names.begin(), found->names.end(), *name) == found->names.end())
      found->names.push_back(*name);
    return {};
  }

  const Store& store_;
  std::vector<SavedImage> images_;
};

}  // namespace

Result<std::vector<SavedImage>> select_images(const Store& store,
                                              const std::vector<std::string>& names) {
  Selection selection(store);
  for (const auto& name : names) TRY(selection.add(name));
  return selection.take();
}

}  // namespace strata::archive
