#include "transfer/push.h"

#include <variant>
#include <vector>

#include "transfer/metadata.h"

namespace strata::transfer {
namespace {

using registry::Descriptor;
using registry::Document;
using registry::Manifest;

Result<Descriptor> push_config(registry::Repository& repository, const Image& image, bool oci) {
  const auto& digest = image.id.digest();
  if (!TRY(repository.blob_size(digest))) TRY(repository.upload(digest, image.bytes));
  return Descriptor{oci ? registry::kOciConfig : registry::kDockerConfig, digest,
                    static_cast<std::int64_t>(image.bytes.size())};
}

/// The manifest that the image was pulled by.
struct Original {
  Document document;
  Manifest manifest;
  bool is_oci() const { return document.media_type == registry::kOciManifest; }
};

std::optional<Original> original_of(const Store& store, const Image& image) {
  auto document = kept_manifest(store, image.id);
  if (!document) return std::nullopt;
  auto parsed = registry::parse_manifest(document->bytes, document->media_type);
  if (!parsed || !std::holds_alternative<Manifest>(*parsed)) return std::nullopt;
  auto& manifest = std::get<Manifest>(*parsed);
  if (manifest.config.digest != image.id.digest() ||
      manifest.layers.size() != image.config.diff_ids.size())
    return std::nullopt;
  return Original{*std::move(document), std::move(manifest)};
}

Document encode(const Manifest& manifest, bool oci) {
  Document document;
  document.media_type = oci ? registry::kOciManifest : registry::kDockerManifest;
  document.bytes = registry::encode_manifest(manifest, document.media_type.c_str());
  document.digest = sha256(document.bytes);
  return document;
}

bool same_blobs(const std::vector<Descriptor>& a, const std::vector<Descriptor>& b) {
  for (std::size_t i = 0; i < a.size(); i++)
    if (a[i].digest != b[i].digest || a[i].size != b[i].size) return false;
  return true;
}

}  // namespace

Result<Pushed> push_image(const Store& store, registry::Repository& repository,
                          const Reference& reference, const PushOptions& options) {
  auto image = TRY(take_image(store, reference.familiar()));
  auto original = original_of(store, image);
  // A form that is asked for is given, whatever the image was.
  if (original && options.oci && *options.oci != original->is_oci()) original.reset();
  PushLayersOptions layer_options = options.layers;
  layer_options.oci = options.oci.value_or(original && original->is_oci());

  Manifest manifest;
  auto layers = TRY(store.layers().stack(image.config.diff_ids));
  manifest.layers =
      TRY(push_layers(store, repository, reference, layer_options, std::move(layers),
                      original ? original->manifest.layers : std::vector<Descriptor>()));
  manifest.config = TRY(push_config(repository, image, layer_options.oci));
  bool as_it_was = original && same_blobs(manifest.layers, original->manifest.layers);
  auto document = as_it_was ? std::move(original->document) : encode(manifest, layer_options.oci);
  if (!options.inline_steps.empty())
    document = TRY(with_inline_steps(document, options.inline_steps));
  TRY(repository.put_manifest(options.by_digest ? "" : reference.tag, document));

  auto by_digest = reference.without_tag_and_digest();
  by_digest.digest = document.digest;
  auto kept = TRY(store.keep_all());
  if (store.images().contains(image.id)) TRY(store.references().set_all({{by_digest, image.id}}));
  return Pushed{document.digest, static_cast<std::int64_t>(document.bytes.size()),
                document.media_type};
}

}  // namespace strata::transfer
