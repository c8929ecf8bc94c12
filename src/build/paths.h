#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Paths as a Dockerfile writes them. Text only: nothing here looks at a file system.
namespace strata::build {

/// Slashes and "./" in front of a source mean nothing: every one is relative to its root.
std::string_view strip_front(std::string_view path);

/// Whether ".." leads above the root when names are taken literally.
bool leaves_root(std::string_view path);

/// The last component of a source as written: a trailing slash, "." and ".." do not name a file.
std::string base_name(std::string_view path);

/// `path` made absolute by the working directory, cleaned; a slash at the end stays.
std::string absolute_path(const std::string& working_dir, const std::string& path);

/// A source of COPY --parents without "." and ".."; `pivot` becomes the number of names before
/// "/./", which the destination does not get.
std::string parents_path(std::string_view path, std::size_t& pivot);

/// `path` without its first `count` names.
std::string drop_components(const std::string& path, std::size_t count);

}  // namespace strata::build
