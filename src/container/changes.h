#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "container/record.h"
#include "fs/merged_dir.h"

namespace strata {

enum class ChangeKind : std::uint8_t { Modified, Added, Deleted };  // docker's 0, 1, 2

struct FileChange {
  ChangeKind kind = ChangeKind::Modified;
  std::string path;  // "/etc/passwd"

  bool operator==(const FileChange&) const = default;
};

/// What `upper` (an overlay upper directory) changes in the file system that the layers `lower`
/// show, sorted by path. docker's rules: type, mode, owner, device, mtime, size and capability
/// decide, of directories only the first four; a directory is also modified if something in it is;
/// what was below a deleted directory is not listed. Only what is in `upper` is looked at, by
/// several threads if it is much.
Result<std::vector<FileChange>> changed_files(int upper, const MergedDir::Layers& lower);

/// `diff`: the container's writable layer against its image and init layer. It may be running.
Result<std::vector<FileChange>> container_changes(const Store& store, const std::string& id);

/// Bytes of the files below `root`, each once however many names it has; what `ps -s` shows.
Result<std::int64_t> tree_size(int root);

}  // namespace strata
