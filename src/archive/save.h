#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/byte_stream.h"
#include "image/reference.h"
#include "store/store.h"

namespace strata::archive {

/// An image to be saved, under these names (each with a tag).
struct SavedImage {
  Image image;
  std::vector<Reference> names;
};

/// The images that a user names, each once, in that order, and the names that go with them: a
/// repository without tag stands for all its tags, an ID for the image alone. Errors as docker's.
Result<std::vector<SavedImage>> select_images(const Store& store,
                                              const std::vector<std::string>& names);

/// What is written. Layers are always plain tars, so that their digest is their DiffID.
enum class Form : std::uint8_t {
  Docker,         // as docker 25 does: an OCI layout with a manifest.json, in one tar
  DockerArchive,  // as docker did before: <id>.json, <diff id>/layer.tar, manifest.json
  Oci,            // an OCI layout (image-spec, image-layout.md)
};

struct SaveOptions {
  Form form = Form::Docker;
  std::set<ChainID> left_out;                        // layers that the reader has
  std::stop_token stop;                              // Cancelled when asked for
  std::function<void(std::int64_t bytes)> progress;  // bytes of layers so far; may be empty
};

/// The manifest that stands for an image in the archives of Docker and Oci.
Result<std::string> image_manifest(const Store& store, const Image& image);

/// Writes images as one tar, in one pass: documents first, then each layer once. The same images
/// give the same bytes, on any machine and at any time.
Result<void> save_tar(const Store& store, const std::vector<SavedImage>& images,
                      const SaveOptions& options, const ByteSink& sink);

/// Writes the same files into the empty directory `dir`.
Result<void> save_directory(const Store& store, const std::vector<SavedImage>& images,
                            const SaveOptions& options, int dir);

}  // namespace strata::archive
