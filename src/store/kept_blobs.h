#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "digest/digest.h"

namespace strata {

/// Compressed layers as registries have them, complete and verified, from pulls and pushes: a later
/// push need not compress, and gives the same digest; a later pull need not download. Files
/// ROOT/strata/blobs/kept/<hex>, whose mtime is the time of their last use; expendable. `own_dir`
/// is ROOT/strata. Any process.
struct KeptBlob {
  std::string name;       // the digest's digits
  std::int64_t size = 0;  // bytes on disk
  Time last_used;
};

/// To read; NotFound. It counts as used now. Who reads it compares the digest again.
Result<UniqueFd> open_kept_blob(int own_dir, const Digest& digest);

/// Takes the file ROOT/strata/blobs/<name> over; it has the digest.
Result<void> keep_blob(int own_dir, const std::string& name, const Digest& digest);

/// Those used last first. Does not fail for one that vanishes meanwhile.
Result<std::vector<KeptBlob>> list_kept_blobs(int own_dir);

/// False if it is gone.
bool remove_kept_blob(int own_dir, const std::string& name);

/// How many bytes may be kept: $STRATA_KEEP_BLOBS ("512m"; "0": none), else 2 GiB, but at most a
/// twentieth of the file system.
std::int64_t kept_blob_limit(int own_dir);

/// Removes those that were not used for the longest time, until the rest is within the limit.
void shrink_kept_blobs(int own_dir, std::int64_t limit);

}  // namespace strata
