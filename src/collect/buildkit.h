#pragma once

#include <string>
#include <string_view>

#include "store/store.h"

namespace strata {

/// All that stands in the database with which a dockerd's BuildKit names the layers and cache
/// directories of its build cache (ROOT/buildkit/snapshots.db), each key with its value behind it,
/// for names to be looked for; "" if there is none. If the database cannot be understood it is the
/// whole file: then also what it has forgotten counts.
Result<std::string> buildkit_names(const Store& store);

/// The keys and values of a bolt database that its newest transaction reaches, in lines: a bucket's
/// name, or a key and at once its value; format: go.etcd.io/bbolt, page.go, bucket.go and db.go.
/// Corrupt if it is damaged.
Result<std::string> bolt_contents(std::string_view file);

}  // namespace strata
