#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "base/parallel.h"
#include "store/kept_blobs.h"
#include "transfer/detail/download.h"
#include "transfer/detail/unpack_layer.h"
#include "transfer/metadata.h"
#include "transfer/shared_steps.h"

namespace strata::transfer {
namespace {

using detail::BlobFile;
using detail::Download;
using detail::Reporter;

constexpr std::size_t kRequests = 4;  // at once

Reference entry_reference(const Reference& reference, const std::string& key) {
  auto entry = reference.without_tag_and_digest();
  entry.tag = reference.tag + '.' + key;
  return entry;
}

class RegistrySteps final : public SharedSteps {
 public:
  RegistrySteps(registry::Repository repository, const Reference& reference)
      : repository_(std::move(repository)), reference_(reference) {}

  Result<std::optional<StepEntry>> find(const std::string& key) override {
    TRY(read_inline());
    if (auto known = inline_.find(key); known != inline_.end()) return std::optional(known->second);
    auto document = TRY(ask(entry_reference(reference_, key)));
    if (!document) return std::optional<StepEntry>();
    return std::optional(TRY(parse_step(document->bytes, key).context("step {}", key)));
  }

  Result<void> fetch(const Store& store, const StepEntry& entry,
                     const std::optional<ChainID>& parent, const Fetch& options) override {
    auto chain = chain_id(parent, *entry.layer);
    TRY(store.hold(chain));
    auto file = TRY(BlobFile::open(store.own_dir(), entry.blob->digest, options.stop));
    if (store.layers().contains(chain)) {  // somebody has brought it while we waited
      file.keep();
      return {};
    }
    Events none;
    Reporter quiet(none);
    Download download(repository_, *entry.blob, std::move(file), quiet);
    std::stop_callback stop(options.stop, [&] { download.stop(); });
    download.start();
    auto blob = download.reader();
    auto writer = detail::unpack_layer(
        store, *blob, *entry.layer,
        {detail::short_name(entry.blob->digest), parent, options.max_layer_size, nullptr});
    if (!writer && writer.error().code() == ErrorCode::Corrupt) download.spoil();
    auto layer = TRY(std::move(writer));
    TRY(layer.publish(parent));
    (void)remember_blob(store, *entry.layer, {entry.blob->digest, reference_.name(), ""});
    remember_form(store, entry.blob->digest, compression_of(entry.blob->media_type));
    download.keep();
    shrink_kept_blobs(store.own_dir(), kept_blob_limit(store.own_dir()));
    return {};
  }

 private:
  /// Nothing if there is no such manifest, or no repository yet.
  Result<std::optional<registry::Document>> ask(const Reference& reference) {
    auto document = repository_.manifest(reference);
    if (document) return std::optional(*std::move(document));
    const auto& error = document.error();
    bool refused = error.message().starts_with("pull access denied");
    if (error.code() != ErrorCode::NotFound || refused) return std::move(document).error();
    return std::optional<registry::Document>();
  }

  /// Once: what an image under the tag has with it.
  Result<void> read_inline() {
    std::lock_guard lock(mutex_);
    if (is_read_) return {};
    if (auto document = TRY(ask(reference_)))
      for (auto& entry : parse_inline_steps(document->bytes))
        inline_.emplace(entry.key, std::move(entry));
    is_read_ = true;
    return {};
  }

  registry::Repository repository_;
  const Reference reference_;
  std::mutex mutex_;  // guards what follows until it is read
  bool is_read_ = false;
  std::map<std::string, StepEntry> inline_;
};

/// Those that the repository does not have with the same result.
Result<std::vector<ExportedStep>> missing_steps(registry::Repository& repository,
                                                const Reference& reference,
                                                const std::vector<ExportedStep>& steps) {
  std::vector<char> is_there(steps.size());
  TRY(for_each_index(steps.size(), kRequests, [&](std::size_t i) -> Result<void> {
    auto document = repository.manifest(entry_reference(reference, steps[i].key));
    if (!document && document.error().code() != ErrorCode::NotFound)
      return std::move(document).error();
    if (!document) return {};
    auto entry = parse_step(document->bytes, steps[i].key);
    std::optional<DiffID> made;
    if (steps[i].layer) made = steps[i].layer->diff_id;
    is_there[i] = entry && entry->layer == made ? 1 : 0;
    return {};
  }));
  std::vector<ExportedStep> missing;
  for (std::size_t i = 0; i < steps.size(); i++)
    if (is_there[i] == 0) missing.push_back(steps[i]);
  return missing;
}

}  // namespace

std::unique_ptr<SharedSteps> steps_in_registry(registry::Repository repository,
                                               const Reference& reference) {
  return std::make_unique<RegistrySteps>(std::move(repository), reference);
}

Result<void> export_to_registry(const Store& store, registry::Repository& repository,
                                const Reference& reference, const PushLayersOptions& options,
                                const std::vector<ExportedStep>& steps) {
  auto missing = TRY(missing_steps(repository, reference, steps));
  if (missing.empty()) return {};
  std::vector<LayerInfo> layers;
  for (const auto& step : missing)
    if (step.layer) layers.push_back(*step.layer);
  auto blobs = TRY(push_layers(store, repository, reference, options, layers, {}));
  auto empty = sha256(kEmptyConfig);
  if (!TRY(repository.blob_size(empty))) TRY(repository.upload(empty, kEmptyConfig));
  std::vector<StepEntry> entries;
  std::size_t blob = 0;
  for (const auto& step : missing) {
    StepEntry entry;
    entry.key = step.key;
    if (step.layer) {
      entry.layer = step.layer->diff_id;
      entry.blob = blobs[blob++];
    }
    entries.push_back(std::move(entry));
  }
  return for_each_index(entries.size(), kRequests, [&](std::size_t i) {
    return repository.put_manifest(entry_reference(reference, entries[i].key).tag,
                                   encode_step(entries[i]));
  });
}

}  // namespace strata::transfer
