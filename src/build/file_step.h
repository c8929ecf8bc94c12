#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "build/copy_plan.h"
#include "build/loose_file.h"
#include "build/stage.h"

namespace strata::build {

/// COPY or ADD with everything expanded.
struct Stage::FileStep {
  /// One thing that the sources lead to.
  struct Source {
    CopySource copy;
    std::unique_ptr<LooseFile> loose;  // if it is in no tree
  };

  std::string_view name;  // "COPY" or "ADD"
  std::vector<std::string> sources;
  std::string destination;  // as written: with it the history speaks
  std::string chown;        // expanded; empty: not given
  std::string flags;        // that decide about the result, for history and cache: "--chmod=600 "
  SourceTree* tree = nullptr;
  Tarsums* sums = nullptr;
  bool from_image = false;
  bool fetch = false;         // sources may be URLs
  std::string checksum;       // --checksum: what a download must be; "": anything
  bool keep_git_dir = false;  // of repositories
  CopyRules rules;
  std::vector<Source> files;
  std::string path;  // absolute destination
  bool as_directory = false;
  bool unpack = false;          // archives are unpacked
  bool unpack_fetched = false;  // those that were downloaded, too
  bool link = false;            // independent of the image below: its links are not followed

  SourceTree& tree_of(const Source& source) const {
    return source.loose ? *source.loose->tree : *tree;
  }
  Error failed(const std::string& why) const {
    return Error(ErrorCode::InvalidArgument, fmt::format("{} failed: {}", name, why));
  }
  /// Whether LayerWriter::expect_much() pays.
  bool may_be_large() const;
  /// What stands for the places that files of `tree` get, and how they get there, for
  /// StatMemo::note(): on the same layers, each place is that of one and the same file. None for
  /// a directory beside another source, of whose files the last one of a place wins.
  std::optional<Digest> places() const;
  /// The step's Cmd text; between front and back are the sums, which it computes.
  Result<std::string> text() const;
  std::string front() const;
  std::string back() const;
};

}  // namespace strata::build
