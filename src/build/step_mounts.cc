// RUN --mount: what one RUN sees beside the files of its stage, and what of it decides about the
// cache.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/io.h"
#include "build/paths.h"
#include "build/run_step.h"
#include "build/stage.h"
#include "container/copy_tree.h"
#include "fs/overlay_mount.h"
#include "fs/tmpfs_mount.h"
#include "runtime/bundle.h"

namespace strata::build {
namespace {

using dockerfile::Mount;

constexpr std::size_t kMaxSecret = std::size_t{500} << 10;  // bytes, as in BuildKit
constexpr const char* kSecrets = "secrets";                 // below the bundle

/// Where the runtime makes the mount points itself: it mounts there before.
bool in_runtime_mounts(std::string_view path) {
  for (std::string_view top : {"dev", "proc", "sys"})
    if (path == top || (path.starts_with(top) && path[top.size()] == '/')) return true;
  return false;
}

std::string join_path(const std::string& directory, const std::string& path) {
  return path.empty() ? directory : directory + '/' + path;
}

/// Gives a file of the bundle to the container's user.
Result<void> give(int dir, const std::string& name, const Mount& m, mode_t default_mode) {
  if (::fchownat(dir, name.c_str(), m.uid, m.gid, 0) < 0 ||
      ::fchmodat(dir, name.c_str(), m.mode.value_or(default_mode) & 07777, 0) < 0)
    return Error::from_errno(errno, "set owner and mode of " + name);
  return {};
}

}  // namespace

// --- what is asked for

Result<std::vector<Stage::RunMount>> Stage::run_mounts(const dockerfile::Run& v) {
  std::vector<RunMount> mounts;
  int agents = 0;
  for (const auto& text : v.mounts) {
    RunMount m;
    m.spec = TRY(dockerfile::parse_mount(text, build_.dockerfile.escape,
                                         [&](std::string_view name) { return variable(name); }));
    if (m.spec.type == Mount::Type::Secret && m.spec.target.empty() && m.spec.env.empty())
      m.spec.target = "/run/secrets/" + base_name(m.spec.id);
    if (m.spec.type == Mount::Type::Ssh) {
      if (m.spec.target.empty()) m.spec.target = fmt::format("/run/buildkit/ssh_agent.{}", agents);
      m.agent = agents++;
    }
    if (!m.spec.target.empty()) m.target = absolute_path(config_.working_dir, m.spec.target);
    if (m.target.size() > 1 && m.target.ends_with('/')) m.target.pop_back();
    if (m.target == "/") return Error(ErrorCode::InvalidArgument, "invalid mount target \"/\"");
    if (m.spec.type == Mount::Type::Cache && m.spec.id.empty()) m.spec.id = m.target;
    bool has_tree = m.spec.type == Mount::Type::Bind ||
                    (m.spec.type == Mount::Type::Cache && !m.spec.from.empty());
    if (has_tree) TRY(find_mount_source(m));
    mounts.push_back(std::move(m));
  }
  return mounts;
}

Result<void> Stage::find_mount_source(RunMount& m) {
  SourceTree* tree = &build_.context.files();
  if (!m.spec.from.empty()) m.context = TRY(named_files(m.spec.from));
  if (m.context != nullptr) {
    tree = &m.context->context->files();
  } else if (!m.spec.from.empty()) {
    m.image = TRY(image_root(m.spec.from));
    tree = m.image->files.get();
  }
  const std::string& source = m.spec.source;
  if (m.image == nullptr && leaves_root(strip_front(source)))
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("RUN --mount: forbidden path outside the build context: {}", source));
  auto file = tree->find(strip_front(source));
  if (!file && file.error().code() == ErrorCode::NotFound)
    return Error(ErrorCode::NotFound,
                 fmt::format("RUN --mount: {}{}",
                             m.image != nullptr
                                 ? ""
                                 : "file not found in build context or excluded by .dockerignore: ",
                             file.error().message()));
  m.source = TRY(std::move(file));
  return {};
}

Result<std::string> Stage::mount_word(const RunMount& m) {
  constexpr const char* kTypes[] = {"bind", "cache", "tmpfs", "secret", "ssh"};
  const auto& spec = m.spec;
  std::string word = fmt::format("--mount=type={}", kTypes[static_cast<std::size_t>(spec.type)]);
  auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) word += fmt::format(",{}={}", name, value);
  };
  if (spec.id != m.target) add("id", spec.id);
  add("from", spec.from);
  add("source", spec.source);
  add("target", m.target);
  add("env", spec.env);
  if (spec.type == Mount::Type::Bind) {
    if (!spec.read_only) word += ",rw";
    auto& sums = m.image != nullptr ? *m.image->sums : files_of(m).sums;
    word += ',' + TRY(sums.of(*m.source));  // the content decides, wherever it is
  }
  return word;
}

Result<std::vector<MountStub>> Stage::mount_stubs(const RunStep& step) {
  std::vector<MountStub> points;
  if (step.mounts.empty()) return points;  // looks at nothing, so that nothing needs to be mounted
  int image = TRY(root());
  for (const auto& m : step.mounts) {
    if (m.target.empty()) continue;
    MountStub point{m.target.substr(1), true};
    if (image >= 0) point.path = TRY(resolve_links(image, m.target)).path;
    point.directory = m.spec.type != Mount::Type::Secret && m.spec.type != Mount::Type::Ssh &&
                      (m.spec.type != Mount::Type::Bind || m.source->is_directory());
    if (!in_runtime_mounts(point.path)) points.push_back(std::move(point));
  }
  return points;
}

// --- what the container gets

Result<void> Stage::prepare_mounts(RunSandbox& box, const RunStep& step) {
  for (const auto& m : step.mounts) {
    switch (m.spec.type) {
      case Mount::Type::Bind:
        TRY(prepare_bind(box, m));
        break;
      case Mount::Type::Cache:
        TRY(prepare_cache(box, m));
        break;
      case Mount::Type::Tmpfs: {
        MountSpec tmpfs{"tmpfs", "tmpfs", m.target, {"nosuid", "nodev"}};
        if (m.spec.size > 0) tmpfs.options.push_back(fmt::format("size={}", m.spec.size));
        if (m.spec.read_only) tmpfs.options.emplace_back("ro");
        box.mounts.push_back(std::move(tmpfs));
        break;
      }
      case Mount::Type::Secret:
        TRY(prepare_secret(box, m));
        break;
      case Mount::Type::Ssh:
        TRY(prepare_agent(box, m));
        break;
    }
  }
  return {};
}

/// Attaches a detached mount below the bundle, for the runtime alone; its path there.
Result<std::string> Stage::attach(RunSandbox& box, UniqueFd mount) {
  std::string name = fmt::format("mounts/{}", box.attached.size());
  TRY(make_dirs(box.bundle->fd(), name, 0700));
  std::string path = box.bundle_path + '/' + name;
  box.attached.push_back({std::move(mount), path});
  return path;
}

Stage::ContextFiles Stage::files_of(const RunMount& m) const {
  if (m.context != nullptr) return {m.context->context->files(), *m.context->sums};
  return {build_.context.files(), build_.context_sums};
}

/// What the context has at the mount's source, with the owners that COPY would give.
Result<std::shared_ptr<CacheDir>> Stage::context_view(const RunMount& m) {
  const SourceFile& source = *m.source;
  auto files = files_of(m);
  std::lock_guard lock(build_.mutex);
  auto& view = build_.context_views[{&files.tree, source.path}];
  if (view) return view;
  CopyRules rules;
  rules.owner = Owner();
  rules.time = build_.epoch;
  CopyPlan plan(-1, rules);
  TRY(plan.add(files.tree, {std::string(source.name()), source, ""}, "/", true));
  plan.finish();
  auto layer = TRY(LayerWriter::create(build_.store, LayerBase(), {}));
  auto tell = [this](const CopyPlan::Copied& copied) { output_.copied(copied.bytes); };
  TRY(plan.write(layer, {&files.sums}, tell, build_.stop));
  TRY(layer.seal());
  view = layer.cache();
  return view;
}

Result<void> Stage::prepare_bind(RunSandbox& box, const RunMount& m) {
  OverlaySpec spec;
  spec.overlay_dir = build_.store.caches().dir();
  spec.is_volatile = true;
  std::string inside = m.source->path;
  if (m.image != nullptr) {
    spec.lowers = m.image->base.lowers;
  } else {
    auto view = TRY(context_view(m));
    spec.lowers = {view->link()};
    inside = m.source->is_directory() ? "" : std::string(m.source->name());
  }
  if (!m.spec.read_only || spec.lowers.empty()) {  // what is written is thrown away
    auto upper = TRY(build_.store.caches().create(true));
    spec.upper = upper->id() + "/diff";
    if (!spec.lowers.empty()) spec.work = upper->id() + "/work";
    box.thrown_away.push_back(std::move(upper));
  }
  auto mount = TRY(mount_overlay(spec));
  auto path = TRY(attach(box, std::move(mount)));
  box.mounts.push_back(bind_mount(join_path(path, inside), m.target, m.spec.read_only));
  return {};
}

Result<void> Stage::prepare_cache(RunSandbox& box, const RunMount& m) {
  auto fill = [&](int data) -> Result<void> {
    if (m.source && m.image != nullptr) {
      auto name = m.source->path.empty() ? std::string(".") : m.source->path;
      TRY(copy_into(m.image->root.get(), name, data, ".", {}));
    } else if (m.source) {
      auto view = TRY(context_view(m));
      bool whole = m.source->is_directory();
      TRY(copy_into(view->diff(), whole ? "." : std::string(m.source->name()), data, ".", {}));
    }
    if (::fchown(data, m.spec.uid, m.spec.gid) < 0 ||
        ::fchmod(data, m.spec.mode.value_or(0755) & 07777) < 0)
      return Error::from_errno(errno, "set owner and mode of a cache mount");
    return {};
  };
  const Mount::Sharing asked = m.spec.sharing;
  auto sharing = asked == Mount::Sharing::Locked    ? CacheMount::Sharing::Locked
                 : asked == Mount::Sharing::Private ? CacheMount::Sharing::Private
                                                    : CacheMount::Sharing::Shared;
  auto cache =
      TRY(CacheMount::acquire(build_.store.own_dir(), m.spec.id, sharing, fill, build_.stop));
  std::string path = build_.store.path() + "/strata/" + cache.path();
  if (m.spec.from.empty() && !m.spec.source.empty()) {  // a part of it
    auto data = TRY(open_dir(build_.store.own_dir(), cache.path()));
    auto part = TRY(resolve_links(data.get(), m.spec.source)).path;
    if (!part.empty()) TRY(make_dirs(data.get(), part, 0755));
    path = join_path(path, part);
  }
  box.mounts.push_back(bind_mount(path, m.target, m.spec.read_only));
  box.caches.push_back(std::move(cache));
  return {};
}

Result<void> Stage::prepare_secret(RunSandbox& box, const RunMount& m) {
  const auto& secrets = build_.request.secrets;
  auto secret = secrets.find(m.spec.id);
  if (secret == secrets.end()) {
    if (!m.spec.required) return {};
    return Error(ErrorCode::NotFound, fmt::format("secret {} not found: not found", m.spec.id));
  }
  auto value = secret->second.value ? *secret->second.value
                                    : TRY(read_file(AT_FDCWD, secret->second.file, kMaxSecret)
                                              .context("secret {}", m.spec.id));
  if (box.secrets_path.empty()) {
    box.secrets = TRY(mount_tmpfs());
    TRY(make_dirs(box.bundle->fd(), kSecrets, 0700));
    box.secrets_path = box.bundle_path + '/' + kSecrets;
  }
  if (!m.spec.env.empty()) box.env.emplace_back(m.spec.env, value);
  if (m.target.empty()) return {};
  std::string name = fmt::format("{}", box.mounts.size());
  TRY(write_file(box.secrets.get(), name, value, 0400));
  TRY(give(box.secrets.get(), name, m.spec, 0400));
  box.mounts.push_back(bind_mount(box.secrets_path + '/' + name, m.target, true));
  return {};
}

/// Where there are secrets, variables may hold some: then it is in the tmpfs, which the runtime
/// finds behind a link.
Result<void> Stage::write_config(const RunSandbox& box, std::string_view config) {
  constexpr const char* kConfig = "config.json";
  if (!box.secrets) return write_file(box.bundle->fd(), kConfig, config, 0600);
  TRY(write_file(box.secrets.get(), kConfig, config, 0600));
  auto target = std::string(kSecrets) + '/' + kConfig;
  if (::symlinkat(target.c_str(), box.bundle->fd(), kConfig) < 0 && errno != EEXIST)
    return Error::from_errno(errno, "bundle of a step");
  return {};
}

Result<void> Stage::prepare_agent(RunSandbox& box, const RunMount& m) {
  auto agent = build_.request.agents.find(m.spec.id);
  if (agent == build_.request.agents.end()) {
    if (!m.spec.required) return {};
    return Error(ErrorCode::NotFound,
                 fmt::format("no SSH key \"{}\" forwarded from the client", m.spec.id));
  }
  std::string name = fmt::format("agent.{}", m.agent);
  box.relays.push_back(TRY(AgentRelay::listen(box.bundle->fd(), name, agent->second)));
  TRY(give(box.bundle->fd(), name, m.spec, 0600));
  box.mounts.push_back(bind_mount(box.bundle_path + '/' + name, m.target));
  if (m.agent == 0) box.env.emplace_back("SSH_AUTH_SOCK", m.target);
  return {};
}

}  // namespace strata::build
