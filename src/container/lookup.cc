#include "container/lookup.h"

#include "container/names.h"
#include "image/reference.h"

namespace strata {

Result<ContainerRecord> find_container(const Store& store, std::string_view text) {
  auto not_found = [&] {
    return Error(ErrorCode::NotFound, fmt::format("No such container: {}", text));
  };
  if (is_full_id(text))
    if (auto record = load_container(store, std::string(text))) return record;
  auto name = text.substr(text.starts_with('/') ? 1 : 0);
  if (name.empty()) return not_found();
  if (auto named = TRY(container_with_name(store, name))) return *std::move(named);

  std::string match;
  for (const auto& id : TRY(container_ids(store))) {
    if (!id.starts_with(text)) continue;
    if (!match.empty())
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("Multiple IDs found with provided prefix: {}", text));
    match = id;
  }
  if (match.empty()) return not_found();
  return load_container(store, match);
}

}  // namespace strata
