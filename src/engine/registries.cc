#include "engine/registries.h"

#include <fmt/format.h>

#include "compress/compressor.h"
#include "engine/pull_into.h"
#include "engine/push_into.h"
#include "engine/repositories.h"
#include "image/json.h"
#include "image/platform.h"
#include "image/reference.h"
#include "registry/client.h"
#include "registry/credentials.h"
#include "registry/settings.h"
#include "store/store.h"
#include "transfer/pull.h"
#include "transfer/push.h"

namespace strata {
namespace {

using registry::Access;
using registry::Repository;

void tell(const TransferEvents& events, std::string id, std::string status) {
  if (events) events({std::move(id), std::move(status)});
}

/// Pulls one reference with a tag or a digest. True if the name is new or names another image.
Result<bool> pull_one(const Store& store, Repository& repository, const Reference& reference,
                      const transfer::PullOptions& options, const TransferEvents& events) {
  auto pulled = TRY(transfer::pull_image(store, repository, reference, options));
  tell(events, "", "Digest: " + pulled.digest.str());
  return pulled.is_new;
}

/// A reference as it is looked for: with the default tag, and without a tag beside a digest.
Reference one_of(const Reference& typed) {
  auto reference = typed.with_default_tag();
  if (reference.digest) reference.tag.clear();
  return reference;
}

Result<void> pull_all(const Store& store, Repository& repository, const Reference& name,
                      const transfer::PullOptions& options, const TransferEvents& events) {
  bool is_new = false;
  for (const auto& tag : TRY(repository.tags())) {
    auto reference = name;
    reference.tag = tag;
    is_new |= TRY(pull_one(store, repository, reference, options, events));
  }
  tell(events, "",
       fmt::format("Status: {} for {}", is_new ? "Downloaded newer image" : "Image is up to date",
                   name.familiar()));
  return {};
}

/// The JSON that dockerd's client sends, from which it derives the key of its notes.
std::string auth_config_json(const registry::Settings& settings, const Reference& name) {
  auto known = registry::find_credentials(settings, name.domain, name.path);
  Json json = Json::object();
  if (!known || !*known) return json.dump();
  const auto& c = **known;
  if (!c.username.empty()) json.set("username", c.username);
  if (!c.password.empty()) json.set("password", c.password);
  json.set("serveraddress", registry::credentials_key(name.domain));
  if (!c.identity_token.empty()) json.set("identitytoken", c.identity_token);
  return json.dump();
}

/// The tags of a repository in the store.
Result<std::vector<Reference>> tags_of(const Store& store, const Reference& name) {
  std::vector<Reference> tags;
  auto all = TRY(store.references().load());
  for (const auto& [text, id] : all[name.familiar_name()]) {
    auto reference = Reference::parse_normalized(text);
    if (reference && !reference->digest) tags.push_back(*std::move(reference));
  }
  return tags;
}

Result<std::vector<Reference>> select_pushed(const Store& store, const Reference& typed,
                                             bool all_tags) {
  auto tags = TRY(tags_of(store, typed));
  if (tags.empty())
    return Error(ErrorCode::NotFound,
                 "An image does not exist locally with the tag: " + typed.familiar_name());
  if (all_tags) return tags;
  auto one = typed.with_default_tag();
  if (!TRY(store.references().get(one)))
    return Error(ErrorCode::NotFound, "tag does not exist: " + one.familiar());
  return std::vector<Reference>{one};
}

Result<std::string> check_tag(const std::string& text, bool all_tags) {
  auto reference = TRY(Reference::parse_normalized(text));
  if (all_tags && !reference.is_name_only())
    return Error(ErrorCode::InvalidArgument, "tag can't be used with --all-tags/-a");
  return std::string(!all_tags && reference.is_name_only() ? reference.with_default_tag().tag : "");
}

}  // namespace

Result<registry::Settings> registry_settings(const RegistryAccess& access) {
  auto settings = TRY(registry::user_settings(access.config_dir));
  settings.tls_verify = access.tls_verify;
  settings.warn = access.warn;
  return settings;
}

transfer::PushOptions push_options(const EngineOptions& engine, const registry::Settings& settings,
                                   const Reference& name, const PushForm& form,
                                   const TransferEvents& events) {
  transfer::PushOptions options;
  options.oci = form.oci;
  auto& layers = options.layers;
  if (!form.compression.empty()) layers.compression = parse_compression(form.compression);
  layers.force_compression = form.force_compression;
  layers.auth_config = auth_config_json(settings, name);
  layers.stop = engine.stop;
  layers.events = events_of(events);
  return options;
}

transfer::Events events_of(const TransferEvents& events) {
  if (!events) return {};
  return [&events](const transfer::Event& e) { events({e.id, e.status, e.current, e.total}); };
}

Result<std::string> check_pull(const PullRequest& request) {
  return check_tag(request.reference, request.all_tags);
}

Result<std::string> check_push(const PushRequest& request) {
  return check_tag(request.reference, request.all_tags);
}

Result<void> check_push_form(PushForm& form) {
  if (form.compression.empty()) return {};
  auto compression = parse_compression(form.compression);
  if (!compression)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("unsupported layer compression type: {}: must be gzip, zstd or "
                             "uncompressed",
                             form.compression));
  if (*compression != Compression::Zstd) return {};
  if (form.oci && !*form.oci)
    return Error(ErrorCode::InvalidArgument, "compression zstd needs the form of OCI");
  form.oci = true;
  return {};
}

Result<std::string> pull_images(const EngineOptions& engine, const PullRequest& request,
                                const TransferEvents& events) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  return pull_into(*store, engine, request, events);
}

Result<std::string> pull_into(const Store& store, const EngineOptions& engine,
                              const PullRequest& request, const TransferEvents& events) {
  auto typed = TRY(Reference::parse_normalized(request.reference));
  transfer::PullOptions options;
  options.platform = host_platform();
  if (!request.platform.empty()) options.platform = TRY(parse_platform(request.platform));
  options.max_layer_size = request.max_layer_size;
  options.lazy = engine.lazy;
  options.stop = engine.stop;
  options.events = events_of(events);
  auto settings = TRY(registry_settings(request.access));
  Repository repository(settings, typed, Access::Pull, engine.stop);
  if (request.all_tags) {
    TRY(pull_all(store, repository, typed, options, events));
    return typed.str();
  }
  auto reference = one_of(typed);
  auto shown = typed.with_default_tag();  // a digest may have a tag beside it
  bool is_new = TRY(pull_one(store, repository, reference, options, events));
  tell(events, "",
       fmt::format("Status: {} for {}", is_new ? "Downloaded newer image" : "Image is up to date",
                   reference.familiar()));
  auto image = TRY(take_image(store, reference.familiar()));
  auto found = normalize({image.config.os, image.config.architecture, image.config.variant});
  bool fits =
      found.os == options.platform.os && found.architecture == options.platform.architecture;
  if (!request.platform.empty() && !fits)
    tell(events, "",
         fmt::format("WARNING: image with reference {} was found but does not match the specified "
                     "platform: wanted {}, actual: {}",
                     reference.familiar(), options.platform.str(), found.str()));
  return shown.str();
}

Result<ImageConfig> remote_config(const EngineOptions& engine, const PullRequest& request) {
  auto reference = one_of(TRY(Reference::parse_normalized(request.reference)));
  auto platform = host_platform();
  if (!request.platform.empty()) platform = TRY(parse_platform(request.platform));
  auto settings = TRY(registry_settings(request.access));
  Repository repository(settings, reference, Access::Pull, engine.stop);
  return transfer::remote_config(repository, reference, platform);
}

Result<std::string> push_images(const EngineOptions& engine, const PushRequest& request,
                                const TransferEvents& events) {
  auto typed = TRY(Reference::parse_normalized(request.reference));
  if (typed.digest) return Error(ErrorCode::InvalidArgument, "cannot push a digest reference");
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  tell(events, "", fmt::format("The push refers to repository [{}]", typed.name()));
  auto references = TRY(select_pushed(*store, typed, request.all_tags));
  auto settings = TRY(registry_settings(request.access));
  auto options = push_options(engine, settings, typed, request.form, events);
  Repository repository(settings, typed, Access::Push, engine.stop);
  for (const auto& reference : references) {
    auto pushed = TRY(transfer::push_image(*store, repository, reference, options));
    tell(events, "",
         fmt::format("{}: digest: {} size: {}", reference.tag, pushed.digest.str(), pushed.size));
  }
  if (!engine.lazy) TRY(store->sync());
  return request.all_tags ? typed.str() : references.front().str();
}

Result<PushedManifest> push_one(const Store& store, const EngineOptions& engine,
                                const PushOne& request, const RegistryAccess& access,
                                const TransferEvents& events) {
  auto settings = TRY(registry_settings(access));
  auto options = push_options(engine, settings, request.reference, request.form, events);
  options.by_digest = request.by_digest;
  options.inline_steps = request.inline_steps;
  Repository repository(settings, request.reference, Access::Push, engine.stop);
  auto pushed = TRY(transfer::push_image(store, repository, request.reference, options));
  return PushedManifest{pushed.digest, pushed.size, std::move(pushed.media_type)};
}

Result<LoginResult> log_in(const EngineOptions& engine, const LoginRequest& request) {
  auto settings = TRY(registry_settings(request.access));
  auto domain = registry::registry_of(request.server);
  registry::Credentials credentials{request.username, request.password, ""};
  auto kept = TRY(registry::log_in(settings, domain, credentials, engine.stop));
  auto stored = TRY(registry::store_credentials(settings, domain, kept));
  return LoginResult{stored.file, stored.as_plain_text};
}

std::string login_key(const std::string& server) {
  return registry::credentials_key(registry::registry_of(server));
}

Result<std::string> known_user(const std::string& server, const RegistryAccess& access) {
  auto settings = TRY(registry_settings(access));
  auto known = TRY(registry::find_credentials(settings, registry::registry_of(server), ""));
  return known ? known->username : std::string();
}

Result<bool> log_out(const std::string& server, const RegistryAccess& access) {
  auto settings = TRY(registry_settings(access));
  return registry::erase_credentials(settings, registry::registry_of(server));
}

}  // namespace strata
