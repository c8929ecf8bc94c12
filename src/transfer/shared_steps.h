#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "image/reference.h"
#include "registry/client.h"
#include "store/store.h"
#include "transfer/push_layers.h"
#include "transfer/step_entry.h"

namespace strata::transfer {

/// Results of build steps that are kept outside the store, for builds elsewhere
/// (docs/build-cache.md). Nothing in it is believed but that whoever may write there has run what
/// the key says: a key names one entry, a blob has its digest, an unpacked layer its DiffID.
class SharedSteps {
 public:
  SharedSteps() = default;
  SharedSteps(const SharedSteps&) = delete;
  SharedSteps& operator=(const SharedSteps&) = delete;
  virtual ~SharedSteps() = default;

  /// What is known by a shared_key(); nothing if it is not. Any thread.
  virtual Result<std::optional<StepEntry>> find(const std::string& key) = 0;

  struct Fetch {
    std::int64_t max_layer_size = 0;  // bytes of the layer's tar, unpacked; 0: any
    std::stop_token stop;
  };
  /// Brings the layer of an entry into the store, on top of `parent`, which is there. Nothing comes
  /// in but what has the entry's digests. Any thread.
  virtual Result<void> fetch(const Store& store, const StepEntry& entry,
                             const std::optional<ChainID>& parent, const Fetch& options) = 0;
};

/// A repository: each entry is a manifest with the tag "<tag>.<key>"; beside them the steps that an
/// image under the tag itself has with it. `repository` is for pulls.
std::unique_ptr<SharedSteps> steps_in_registry(registry::Repository repository,
                                               const Reference& reference);
/// An OCI layout. NotFound if it is not there.
Result<std::unique_ptr<SharedSteps>> steps_in_directory(const std::string& path);

/// The longest tag under which steps can be kept.
inline constexpr std::size_t kMostStepTag = 63;

/// A result that is to be kept elsewhere.
struct ExportedStep {
  std::string key;                 // shared_key()
  std::optional<LayerInfo> layer;  // none: it changed nothing
};

/// Adds them to a repository. What is there with the same result is not sent; another result of the
/// same step is replaced. Any number of processes may do so at once.
Result<void> export_to_registry(const Store& store, registry::Repository& repository,
                                const Reference& reference, const PushLayersOptions& options,
                                const std::vector<ExportedStep>& steps);
/// The same for a directory, which is made if it is not there; one process after the other.
Result<void> export_to_directory(const Store& store, const std::string& path,
                                 Compression compression, const std::vector<ExportedStep>& steps,
                                 const std::stop_token& stop);

}  // namespace strata::transfer
