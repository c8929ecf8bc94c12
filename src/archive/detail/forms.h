#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "archive/contents.h"
#include "image/json.h"

namespace strata::archive::detail {

/// The three forms of an archive; see read_contents().
Result<std::vector<ArchivedImage>> read_docker_archive(const Members& members);
Result<std::vector<ArchivedImage>> read_oci_layout(const Members& members,
                                                   const Platform& platform);
Result<std::vector<ArchivedImage>> read_legacy_archive(const Members& members);

/// A document, parsed; errors begin with its name.
Result<Json> read_json(const Members& members, const std::string& name);
/// A member's name out of a document: Corrupt, naming `where`, if it leads out of the archive.
Result<std::string> member_name(std::string_view text, std::string_view where);
/// An image of that config, whose text was found in the member `where`: its layers must be as many
/// as its diff_ids, and it must run on Linux.
Result<ArchivedImage> make_image(std::string config, std::vector<ArchivedLayer> layers,
                                 const std::string& where);
/// Adds the size of an image's config to `total`. Corrupt if the configs of an archive, which are
/// held in memory, become too many.
Result<void> account(std::size_t& total, const ArchivedImage& image);
/// The digest that the last component of a member's name is: "<hex>", "<hex>.json", "sha256:<hex>".
std::optional<Digest> digest_in_name(std::string_view name);

}  // namespace strata::archive::detail
