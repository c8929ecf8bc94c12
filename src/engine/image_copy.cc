#include "engine/image_copy.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "base/io.h"
#include "copy/archives.h"
#include "copy/copy.h"
#include "copy/layout.h"
#include "copy/local_store.h"
#include "copy/location.h"
#include "copy/repository.h"
#include "engine/repositories.h"
#include "image/platform.h"
#include "image/reference.h"
#include "store/store.h"

namespace strata {
namespace {

using copy::Location;
using registry::Access;

/// The store of a copy that has to do with it: opened once, for the stronger of its uses.
using MaybeStore = std::unique_ptr<Store>;

/// With a tag or a digest, whichever the user means.
Result<Reference> repository_reference(const std::string& name) {
  auto reference = TRY(Reference::parse_normalized(name)).with_default_tag();
  if (reference.digest) reference.tag.clear();
  return reference;
}

Result<registry::Repository> open_repository(const EngineOptions& engine,
                                             const RegistryAccess& access,
                                             const Reference& reference, Access use) {
  auto settings = TRY(registry_settings(access));
  return registry::Repository(settings, reference, use, engine.stop);
}

Result<std::unique_ptr<archive::Members>> open_archive(const EngineOptions& engine,
                                                       const Location& location) {
  auto fd = TRY(open_at(AT_FDCWD, location.path, O_RDONLY));
  if (location.kind == Location::Kind::Layout) {
    struct stat st = {};
    if (::fstat(fd.get(), &st) < 0) return Error::from_errno(errno, "stat " + location.path);
    if (!S_ISDIR(st.st_mode)) return Error::from_errno(ENOTDIR, "open " + location.path);
    return archive::directory_members(std::move(fd));
  }
  // What is compressed is read in any order, so it must stand somewhere without its compression.
  const char* temporary = std::getenv("TMPDIR");
  auto spool =
      TRY(open_dir(AT_FDCWD, temporary != nullptr && *temporary != '\0' ? temporary : "/var/tmp"));
  return archive::open_members(std::move(fd), spool.get(), engine.stop);
}

Result<std::unique_ptr<copy::Source>> open_source(const EngineOptions& engine,
                                                  const CopyImageRequest& request,
                                                  const Location& location,
                                                  const Platform& platform,
                                                  const MaybeStore& store) {
  using Side = std::unique_ptr<copy::Source>;
  if (location.kind == Location::Kind::Registry) {
    auto reference = TRY(repository_reference(location.name));
    auto repository = TRY(open_repository(engine, request.from, reference, Access::Pull));
    return Side(std::make_unique<copy::RepositorySource>(std::move(repository), reference));
  }
  if (location.kind == Location::Kind::Store) {
    auto image = TRY(take_image(*store, location.name));
    return Side(std::make_unique<copy::StoreSource>(*store, std::move(image)));
  }
  auto members = TRY(open_archive(engine, location));
  if (location.kind != Location::Kind::DockerArchive)
    return Side(std::make_unique<copy::LayoutSource>(std::move(members), location.name));
  auto images = TRY(archive::read_contents(*members, platform));
  auto image = TRY(copy::pick_image(std::move(images), location.name));
  return Side(std::make_unique<copy::DockerArchiveSource>(std::move(members), std::move(image)));
}

Result<std::unique_ptr<copy::Destination>> open_docker_archive(const Location& location) {
  struct stat st = {};
  if (::stat(location.path.c_str(), &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
    return Error(ErrorCode::Conflict, "docker-archive doesn't support modifying existing images");
  std::optional<Reference> name;
  if (!location.name.empty())
    name = TRY(Reference::parse_normalized(location.name)).with_default_tag();
  if (name && name->digest)
    return Error(ErrorCode::InvalidArgument,
                 "docker-archive: an image in an archive is named by a tag");
  return copy::open_docker_archive(location.path, name);
}

Result<std::unique_ptr<copy::Destination>> open_destination(const EngineOptions& engine,
                                                            const CopyImageRequest& request,
                                                            const Location& location) {
  using Side = std::unique_ptr<copy::Destination>;
  if (location.kind == Location::Kind::Registry) {
    auto reference = TRY(repository_reference(location.name));
    auto repository = TRY(open_repository(engine, request.to, reference, Access::Push));
    return Side(std::make_unique<copy::RepositoryDestination>(std::move(repository), reference));
  }
  if (location.kind == Location::Kind::DockerArchive) return open_docker_archive(location);
  if (Digest::parse(location.name))
    return Error(ErrorCode::InvalidArgument, "an image in a layout is named by a tag");
  if (location.kind == Location::Kind::LayoutArchive)
    return copy::open_layout_archive(location.path, location.name);
  TRY(make_dirs(AT_FDCWD, location.path, 0755));
  auto dir = TRY(open_dir(AT_FDCWD, location.path));
  return Side(std::make_unique<copy::LayoutDestination>(std::move(dir), location.name));
}

Result<copy::CopyOptions> options_of(const EngineOptions& engine, const CopyImageRequest& request,
                                     const TransferEvents& events) {
  copy::CopyOptions options;
  options.all = request.all;
  options.platform = host_platform();
  if (!request.platform.empty()) options.platform = TRY(parse_platform(request.platform));
  if (request.format == "oci") options.format = copy::Format::Oci;
  if (request.format == "docker") options.format = copy::Format::Docker;
  options.preserve_digests = request.preserve_digests;
  options.stop = engine.stop;
  options.events = events_of(events);
  return options;
}

/// Opens the store if one side is in it.
Result<MaybeStore> open_store(const EngineOptions& engine, const Location& from,
                              const Location& to) {
  bool writes = to.kind == Location::Kind::Store;
  if (!writes && from.kind != Location::Kind::Store) return MaybeStore();
  return Store::open(engine.root, writes ? Store::Access::Write : Store::Access::Read);
}

}  // namespace

Result<CopiedImage> copy_image(const EngineOptions& engine, const CopyImageRequest& request,
                               const TransferEvents& events) {
  auto from = TRY(copy::parse_location(request.source));
  auto to = TRY(copy::parse_location(request.destination));
  auto options = TRY(options_of(engine, request, events));
  bool one_image = to.kind == Location::Kind::DockerArchive || to.kind == Location::Kind::Store;
  if (request.all && one_image)
    return Error(
        ErrorCode::InvalidArgument,
        fmt::format("{} holds one image of an index: --all cannot go there", request.destination));
  auto store = TRY(open_store(engine, from, to));
  auto source = TRY(
      open_source(engine, request, from, options.platform, store).context("{}", request.source));
  if (to.kind == Location::Kind::Store) {
    auto name = TRY(parse_new_name(to.name));
    auto id = TRY(
        copy::copy_to_store(*source, *store, name, request.max_layer_size, engine.lazy, options));
    return CopiedImage{id.digest(), true};
  }
  auto destination = TRY(open_destination(engine, request, to).context("{}", request.destination));
  auto copied = TRY(copy::copy_image(*source, *destination, options));
  if (to.kind != Location::Kind::DockerArchive) return CopiedImage{copied.digest, false};
  auto parts = TRY(registry::parse_parts(copied.bytes, copied.media_type));
  return CopiedImage{parts.manifest.config.digest, true};
}

}  // namespace strata
