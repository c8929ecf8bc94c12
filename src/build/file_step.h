#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "build/copy_plan.h"
#include "build/download.h"
#include "build/stage.h"

namespace strata::build {

/// COPY or ADD with everything expanded.
struct Stage::FileStep {
  /// One thing that the sources lead to.
  struct Source {
    CopySource copy;
    std::unique_ptr<RemoteFile> remote;  // if it was fetched
  };

  std::string_view name;  // "COPY" or "ADD"
  std::vector<std::string> sources;
  std::string destination;  // as written: with it the history speaks
  std::string chown;        // expanded; empty: not given
  SourceTree* tree = nullptr;
  Tarsums* sums = nullptr;
  bool from_image = false;
  bool fetch = false;  // sources may be URLs
  CopyRules rules;
  std::vector<Source> files;
  std::string path;  // absolute destination
  bool as_directory = false;
  bool unpack = false;  // archives are unpacked

  SourceTree& tree_of(const Source& source) const {
    return source.remote ? *source.remote->tree : *tree;
  }
  /// The step's Cmd text, once all sums are known.
  Result<std::string> text() const;
};

}  // namespace strata::build
