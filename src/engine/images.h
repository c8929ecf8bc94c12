#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_stream.h"
#include "base/clock.h"
#include "digest/digest.h"
#include "engine/events.h"
#include "image/json.h"

namespace strata {

/// `images`: which ones.
struct ListImagesRequest {
  bool all = false;                  // intermediate images too
  std::string reference;             // "app", "app:1", "ap*"; empty: all
  std::vector<std::string> filters;  // "dangling=true", "label=a=b", "before=x", "since=x",
                                     // "until=24h", "reference=x", "pinned=true", "unused-for=24h"
  bool digests = false;              // a row for each digest of a repository, not only for each tag
};

/// One row of `images`: an image under one of its names.
struct ImageRow {
  ImageID id;
  std::string repository;  // "<none>" without a name
  std::string tag;         // "<none>"
  std::string digest;      // "<none>"
  Time created;
  std::int64_t size = 0;  // bytes
  Json labels;
};

/// Newest first. InvalidArgument for a filter that docker does not know.
Result<std::vector<ImageRow>> list_images(const EngineOptions& engine,
                                          const ListImagesRequest& request);

/// One row of `search`: a repository of the store.
struct SearchRow {
  std::string name;               // "app", "reg.example/team/app"
  std::string description;        // label org.opencontainers.image.description, or .title
  std::vector<std::string> tags;  // sorted
  bool official = false;          // of docker.io/library
};

/// The repositories whose name contains `term`, or matches it if it has '*', '?' or '[': case does
/// not matter. An exact name comes first, then those that begin with it, then by name.
Result<std::vector<SearchRow>> search_images(const EngineOptions& engine, std::string_view term);

/// The inspect document of docker 20.10. NotFound: "No such image: x".
Result<Json> inspect_image(const EngineOptions& engine, std::string_view name);

/// One row of `history`, newest step first.
struct HistoryLine {
  std::string id;  // "sha256:...", or "<missing>"
  Time created;
  std::string created_by;
  std::string comment;
  std::int64_t size = 0;  // bytes
};
Result<std::vector<HistoryLine>> history(const EngineOptions& engine, std::string_view name);

/// One row of `layers`, bottom first.
struct LayerLine {
  DiffID diff_id;
  ChainID chain_id;
  std::string cache_id;
  std::string directory;          // absolute
  std::int64_t size = 0;          // bytes, as LayerDB counts
  std::int64_t disk_bytes = 0;    // blocks on disk
  std::int64_t linked_bytes = 0;  // of these, shared with other layers by hard links
  std::int64_t files = 0;
  std::string created_by;
  std::vector<std::string> shared_by;  // other images
};
Result<std::vector<LayerLine>> layers(const EngineOptions& engine, std::string_view name);

/// Gives an image one more name.
Result<void> tag_image(const EngineOptions& engine, std::string_view source,
                       std::string_view target);

/// An image of one layer out of a root file system's tar (plain or compressed).
struct ImportRequest {
  std::string source_name;           // for the comment: "Imported from -"
  std::string message;               // -m; empty: that comment
  std::string reference;             // empty: no name
  std::string platform;              // empty: the host's
  std::int64_t max_layer_size = 0;   // bytes of the tar, unpacked; 0: any
  std::vector<std::string> changes;  // -c: Dockerfile instructions
};
Result<ImageID> import_image(const EngineOptions& engine, const ImportRequest& request,
                             ByteSource& tar);

}  // namespace strata
