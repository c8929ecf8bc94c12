#pragma once

#include <string>
#include <vector>

#include "image/config.h"
#include "store/store.h"

namespace strata::build {

/// Whether two open files have the same bytes from where they are.
Result<bool> same_content(int a, int b);

/// One file that two layers have different.
struct FileDifference {
  std::string path;               // in the image, "/etc/x"
  std::vector<std::string> what;  // "content", "mode", "mtime", "owner", ...
};

/// Compares the files of two layers (directories `diff`), sorted by path. Of times whole seconds
/// count, as in a layer's tar.
Result<std::vector<FileDifference>> compare_layers(int a, int b);

/// How the layers of two builds of one Dockerfile differ, as text: a line for each layer that does,
///   layer 2, /bin/sh -c date > /now:
/// and indented below it one for each of its files. Empty if no layer differs.
struct ImageDifference {
  std::string text;
  std::size_t layers = 0;  // that differ
  std::size_t files = 0;   // in those that both builds have
};
Result<ImageDifference> compare_images(const Store& store, const ImageConfig& a,
                                       const ImageConfig& b);

}  // namespace strata::build
