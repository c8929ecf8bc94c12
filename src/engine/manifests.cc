#include "engine/manifests.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "copy/copy.h"
#include "copy/repository.h"
#include "engine/repositories.h"
#include "image/reference.h"
#include "registry/client.h"
#include "registry/manifest_lists.h"

namespace strata {
namespace {

using registry::Access;
using registry::Descriptor;
using registry::Document;
using registry::ListedManifest;
using registry::ManifestLists;
using registry::Repository;

/// One command's view of registries and of the lists at hand.
struct Context {
  const EngineOptions& engine;
  registry::Settings settings;
  ManifestLists lists;

  Repository repository(const Reference& reference, Access access = Access::Pull) const {
    return Repository(settings, reference, access, engine.stop);
  }
};

Result<Context> context_of(const EngineOptions& engine, const RegistryAccess& access) {
  auto settings = TRY(registry_settings(access));
  ManifestLists lists(settings.config_file);
  return Context{engine, std::move(settings), std::move(lists)};
}

Result<Reference> parse_name(const std::string& text) {
  return TRY(Reference::parse_normalized(text)).with_default_tag();
}

Reference lookup(Reference reference) {
  if (reference.digest) reference.tag.clear();
  return reference;
}

Error no_such(const char* start, const Reference& reference) {
  return Error(ErrorCode::NotFound, fmt::format("{} such manifest: {}", start, reference.str()));
}

Result<Document> fetch(Repository& repository, const Reference& reference) {
  auto document = repository.manifest(lookup(reference));
  if (!document && document.error().code() == ErrorCode::NotFound) return no_such("no", reference);
  return document;
}

/// What a list needs to know of an image: its manifest, and what its config says it runs on.
Result<ListedManifest> describe(Repository& repository, const Reference& reference,
                                Document document, const Descriptor& config) {
  ListedManifest listed;
  listed.reference = reference;
  listed.descriptor = {document.media_type, document.digest,
                       static_cast<std::int64_t>(document.bytes.size())};
  auto text = TRY(repository.document(config).context("config {}", config.digest.str()));
  auto json = TRY(Json::parse(text).context("config {}", config.digest.str()));
  listed.platform = registry::parse_full_platform(json);
  listed.manifest = TRY(Json::parse(document.bytes));
  listed.bytes = std::move(document.bytes);
  return listed;
}

Result<registry::Parts> parts_of(Document& document) {
  auto parts = TRY(registry::parse_parts(document.bytes, document.media_type)
                       .context("manifest {}", document.digest.str()));
  document.media_type = parts.media_type;
  return parts;
}

/// All images of a list that a registry has, as `inspect -v` shows them.
Result<std::vector<ListedManifest>> describe_all(Repository& repository, const Reference& reference,
                                                 const Document& list) {
  std::vector<ListedManifest> all;
  auto json = TRY(Json::parse(list.bytes));
  for (const auto& entry : json["manifests"].as_array()) {
    auto inner = reference;
    inner.digest = TRY(Digest::parse(entry["digest"].as_string()));
    auto document = TRY(fetch(repository, inner));
    ListedManifest listed;
    listed.reference = inner;
    listed.descriptor = {entry["mediaType"].as_string(), document.digest,
                         static_cast<std::int64_t>(document.bytes.size())};
    listed.platform = registry::parse_full_platform(entry["platform"]);
    listed.manifest = TRY(Json::parse(document.bytes));
    all.push_back(std::move(listed));
  }
  return all;
}

std::string shown_all(const std::vector<ListedManifest>& all) {
  Json::Array array;
  for (const auto& one : all) array.push_back(registry::listed_json(one, /*raw=*/false));
  return Json::array(std::move(array)).dump_indented("\t");
}

std::string shown(const ListedManifest& one, bool verbose) {
  return (verbose ? registry::listed_json(one, /*raw=*/false) : one.manifest).dump_indented("\t");
}

Result<std::string> inspect_remote(const Context& context, const Reference& reference,
                                   bool verbose) {
  auto repository = context.repository(reference);
  auto document = TRY(fetch(repository, reference));
  auto parts = TRY(parts_of(document));
  if (parts.is_index) {
    if (verbose) return shown_all(TRY(describe_all(repository, reference, document)));
    return TRY(Json::parse(document.bytes)).dump_indented("   ");
  }
  auto json = TRY(Json::parse(document.bytes));
  if (!verbose) return json.dump_indented("\t");
  return shown(TRY(describe(repository, reference, std::move(document), parts.manifest.config)),
               true);
}

/// The systems that docker's client knows, each with its architectures.
bool is_known_platform(const std::string& os, const std::string& architecture) {
  struct System {
    std::string_view os;
    std::string_view architectures;  // each between blanks
  };
  static constexpr std::array kSystems = {
      System{"darwin", " 386 amd64 arm arm64 "},
      System{"dragonfly", " amd64 "},
      System{"freebsd", " 386 amd64 arm "},
      System{"linux", " 386 amd64 arm arm64 ppc64le mips64 mips64le riscv64 s390x "},
      System{"netbsd", " 386 amd64 arm "},
      System{"openbsd", " 386 amd64 arm "},
      System{"plan9", " 386 amd64 "},
      System{"solaris", " amd64 "},
      System{"windows", " 386 amd64 arm arm64 "},
  };
  return std::any_of(kSystems.begin(), kSystems.end(), [&](const System& s) {
    return s.os == os && !architecture.empty() &&
           s.architectures.find(' ' + architecture + ' ') != std::string_view::npos;
  });
}

/// Brings a manifest into the repository of its list, with all that it names: mounted where that is
/// possible.
Result<void> bring(const Context& context, const ListedManifest& image, const Reference& list) {
  auto reference = image.reference;
  reference.tag.clear();
  reference.digest = image.descriptor.digest;
  auto target = list.without_tag_and_digest();
  target.digest = image.descriptor.digest;
  copy::RepositorySource source(context.repository(reference), reference);
  copy::RepositoryDestination destination(context.repository(target, Access::Push), target);
  copy::CopyOptions options;
  options.all = true;
  options.preserve_digests = true;
  options.stop = context.engine.stop;
  TRY(copy::copy_image(source, destination, options));
  return {};
}

}  // namespace

Result<std::string> inspect_manifest(const EngineOptions& engine,
                                     const InspectManifestRequest& request) {
  auto reference = TRY(parse_name(request.name));
  auto context = TRY(context_of(engine, request.access));
  if (!request.list.empty()) {
    auto list = TRY(parse_name(request.list));
    auto image = TRY(context.lists.find(list, reference));
    if (!image) return no_such("No", reference);
    return shown(*image, request.verbose);
  }
  auto local = TRY(context.lists.load(reference));
  if (local.empty()) return inspect_remote(context, reference, request.verbose);
  return request.verbose ? shown_all(local) : registry::encode_list(local).bytes;
}

Result<std::string> create_manifest_list(const EngineOptions& engine,
                                         const CreateListRequest& request) {
  auto list = TRY(
      parse_name(request.list).context("error parsing name for manifest list {}", request.list));
  auto context = TRY(context_of(engine, request.access));
  if (!request.amend && !TRY(context.lists.load(list)).empty())
    return Error(ErrorCode::Conflict,
                 "refusing to amend an existing manifest list with no --amend flag");
  std::vector<ListedManifest> images;  // nothing is noted before all are there
  for (const auto& name : request.manifests) {
    auto reference = TRY(parse_name(name));
    auto repository = context.repository(reference);
    auto document = TRY(fetch(repository, reference));
    auto parts = TRY(parts_of(document));
    if (parts.is_index)
      return Error(ErrorCode::InvalidArgument, fmt::format("{} is a manifest list", name));
    auto image = TRY(describe(repository, reference, std::move(document), parts.manifest.config));
    images.push_back(std::move(image));
  }
  for (const auto& image : images) TRY(context.lists.save(list, image));
  return list.str();
}

Result<void> annotate_manifest_list(const AnnotateListRequest& request) {
  auto list = TRY(parse_name(request.list)
                      .context("annotate: error parsing name for manifest list {}", request.list));
  auto reference =
      TRY(parse_name(request.manifest)
              .context("annotate: error parsing name for manifest {}", request.manifest));
  auto settings = TRY(registry_settings(request.access));
  ManifestLists lists(settings.config_file);
  auto image = TRY(lists.find(list, reference));
  if (!image)
    return Error(ErrorCode::NotFound, fmt::format("manifest for image {} does not exist in {}",
                                                  request.manifest, request.list));
  auto& p = image->platform;
  if (!request.os.empty()) p.os = request.os;
  if (!request.architecture.empty()) p.architecture = request.architecture;
  for (const auto& feature : request.os_features)
    if (std::find(p.os_features.begin(), p.os_features.end(), feature) == p.os_features.end())
      p.os_features.push_back(feature);
  if (!request.variant.empty()) p.variant = request.variant;
  if (!request.os_version.empty()) p.os_version = request.os_version;
  if (!is_known_platform(p.os, p.architecture))
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("manifest entry for image has unsupported os/arch combination: {}/{}",
                             request.os, request.architecture));
  return lists.save(list, *image);
}

Result<std::string> push_manifest_list(const EngineOptions& engine, const PushListRequest& request,
                                       const std::function<void(std::string_view)>& told) {
  auto list = TRY(parse_name(request.list));
  auto context = TRY(context_of(engine, request.access));
  auto images = TRY(context.lists.load(list));
  if (images.empty()) return no_such("No", list);
  for (const auto& image : images)
    if (image.platform.architecture.empty() || image.platform.os.empty())
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("manifest {} must have an OS and Architecture to be pushed to a "
                               "registry",
                               image.reference.str()));
  for (const auto& image : images) {
    if (image.reference.name() == list.name()) continue;
    TRY(bring(context, image, list).context("{}", image.reference.str()));
    const auto digest = image.descriptor.digest.str();
    told(fmt::format("Pushed ref {}@{} with digest: {}", list.name(), digest, digest));
  }
  auto document = registry::encode_list(images);
  auto repository = context.repository(list, Access::Push);
  TRY(repository.put_manifest(list.tag, document));
  if (request.purge) TRY(context.lists.remove(list));
  return document.digest.str();
}

Result<void> remove_manifest_list(const std::string& name, const RegistryAccess& access) {
  auto list = TRY(parse_name(name));
  auto settings = TRY(registry_settings(access));
  if (!TRY(ManifestLists(settings.config_file).remove(list))) return no_such("No", list);
  return {};
}

}  // namespace strata
