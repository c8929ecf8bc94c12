#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_stream.h"
#include "base/fd.h"
#include "digest/digest.h"
#include "engine/events.h"

namespace strata {

/// `save`: which images, and as what.
struct SaveRequest {
  enum class Form : std::uint8_t {
    Docker,         // what docker load and every reader of an OCI layout take
    DockerArchive,  // what docker before 25 writes
    Oci,            // an OCI layout
  };
  std::vector<std::string> images;  // a repository without tag: all its tags
  Form form = Form::Docker;
  std::string since;  // an image whose layers are left out; empty: none are
  std::function<void(std::int64_t bytes)> progress;  // bytes of layers so far; may be empty
};

/// Writes one tar to `sink`, in one pass; the same images give the same bytes. Errors before the
/// first byte are docker's: "reference does not exist", "No such image: x".
Result<void> save_images(const EngineOptions& engine, const SaveRequest& request,
                         const ByteSink& sink);
/// Writes the same files into the empty directory `dir`.
Result<void> save_images_into(const EngineOptions& engine, const SaveRequest& request, int dir);

/// `load`: from where.
struct LoadRequest {
  std::string source_name;                           // for messages
  std::int64_t max_layer_size = 0;                   // bytes of a layer's tar, unpacked; 0: any
  std::function<void(std::int64_t bytes)> copied;    // of a pipe, read first; may be empty
  std::function<void(std::int64_t bytes)> progress;  // bytes of layers so far; may be empty
};

/// An image that `load` brought.
struct LoadedImage {
  ImageID id;
  std::vector<std::string> names;
  std::vector<std::pair<std::string, ImageID>> renamed;  // names that another image had until now
};

/// Loads all images of an archive: a file (plain or compressed), a pipe, or the directory of an OCI
/// layout. All or nothing: whatever is wrong, the store stays as it was. Errors begin with
/// "load <source_name>: " and the member that is wrong.
Result<std::vector<LoadedImage>> load_images(const EngineOptions& engine,
                                             const LoadRequest& request, UniqueFd source);

}  // namespace strata
