// The instructions that put files into the image: COPY and ADD.
#include <fmt/format.h>
#include <stdio.h>

#include <algorithm>
#include <functional>
#include <future>
#include <thread>

#include "base/io.h"
#include "build/cache.h"
#include "build/copy_plan.h"
#include "build/file_step.h"
#include "build/paths.h"
#include "build/step_cache.h"
#include "build/unpack.h"
#include "compress/detect.h"
#include "dockerfile/glob.h"
#include "fs/overlay_mount.h"
#include "http/url.h"
#include "store/write_behind.h"
#include "tar/reader.h"

namespace strata::build {

namespace {

constexpr std::int64_t kLargeFile = std::int64_t{1} << 20;  // bytes

/// --checksum of ADD, which has one source, and that a URL or a repository.
Result<void> check_checksum(const std::vector<std::string>& sources, const std::string& text) {
  if (sources.size() > 1)
    return Error(ErrorCode::InvalidArgument, "checksum can't be specified for multiple sources");
  if (!sources.empty() && is_git_url(sources[0])) return check_commit(text).context("--checksum");
  if (sources.empty() || !http::is_url(sources[0]))
    return Error(ErrorCode::InvalidArgument,
                 "checksum can't be specified for non-HTTP(S) and non-Git sources");
  TRY(Digest::parse(text).context("--checksum"));
  return {};
}

/// ADD unpacks a file if its content, decompressed if need be, starts with a tar header.
Result<bool> is_archive(const SourceTree& tree, const SourceFile& file) {
  if (!file.is_regular()) return false;
  auto fd = TRY(tree.open(file));
  FdSource source(fd.get());
  auto plain = decompress(source);
  if (!plain) {
    if (plain.error().code() == ErrorCode::Unsupported) return std::move(plain).error();
    return false;
  }
  tar::Reader reader(**plain);
  auto first = reader.next();
  return first && first->has_value();
}

/// What a thread of its own makes meanwhile.
template <class T>
class InBackground {
 public:
  explicit InBackground(std::function<Result<T>()> make)
      : thread_([this, make = std::move(make)] { made_.set_value(make()); }) {}

  Result<T> take() { return made_.get_future().get(); }

 private:
  std::promise<Result<T>> made_;
  std::jthread thread_;  // last: it uses what is above
};

}  // namespace

/// The layer of a COPY or ADD.
struct Stage::NewLayer {
  LayerWriter writer;
  std::uint64_t note_number = 0;  // of CopyPlan::Sums
};

Result<std::string> Stage::FileStep::text() const {
  std::vector<std::string> parts;
  for (const auto& source : files)
    parts.push_back(source.loose ? source.loose->sum
                                 : TRY(sums->of(source.copy.file, rules.exclude)));
  return front() + Tarsums::combine(parts) + back();
}

bool Stage::FileStep::may_be_large() const {
  return std::any_of(files.begin(), files.end(), [](const Source& source) {
    return source.copy.file.is_directory() || source.copy.file.size >= kLargeFile;
  });
}

std::optional<Digest> Stage::FileStep::places() const {
  std::vector<std::string> inputs = {"places", path, as_directory ? "directory" : "", flags,
                                     rules.time ? std::to_string(rules.time->seconds) : ""};
  for (const auto& source : files) {
    if (source.loose || (source.copy.file.is_directory() && files.size() > 1)) return std::nullopt;
    inputs.insert(inputs.end(), {source.copy.file.is_directory() ? "all of" : "file",
                                 source.copy.file.path, source.copy.name, source.copy.front});
  }
  return sha256(StepCache::material(inputs));
}

std::string Stage::FileStep::front() const { return fmt::format("#(nop) {} {}", name, flags); }
std::string Stage::FileStep::back() const { return fmt::format(" in {} ", destination); }

// --- COPY and ADD

Result<void> Stage::run(const dockerfile::Copy& v) {
  FileStep step;
  step.name = "COPY";
  if (v.from.empty()) {
    step.tree = &build_.context.files();
    step.sums = &build_.context_sums;
  } else if (auto* named = TRY(named_files(v.from))) {
    step.tree = &named->context->files();
    step.sums = named->sums.get();
  } else {
    auto* root = TRY(image_root(v.from));
    step.tree = root->files.get();
    step.sums = root->sums.get();
    step.from_image = true;
  }
  step.rules.parents = v.parents;
  TRY(expand_file_step(step, v));
  for (const auto& source : step.sources)
    if (http::is_url(source))
      return Error(ErrorCode::InvalidArgument, "COPY failed: source can't be a URL for COPY");
    else if (is_git_url(source))
      return Error(ErrorCode::InvalidArgument, "COPY failed: source can't be a git ref for COPY");
  return copy_files(step);
}

Result<void> Stage::run(const dockerfile::Add& v) {
  FileStep step;
  step.name = "ADD";
  step.keep_git_dir = v.keep_git_dir.value_or(false);
  step.fetch = true;
  step.tree = &build_.context.files();
  step.sums = &build_.context_sums;
  if (v.unpack) step.flags += fmt::format("--unpack={} ", *v.unpack);
  TRY(expand_file_step(step, v));
  step.unpack = v.unpack.value_or(true);
  step.unpack_fetched = v.unpack.value_or(false);
  step.checksum = TRY(expand(v.checksum));
  if (!step.checksum.empty()) TRY(check_checksum(step.sources, step.checksum));
  return copy_files(step);
}

/// FROM the files of --build-context: what `COPY . /` makes of them.
Result<void> Stage::copy_context(NamedContext& named) {
  FileStep step;
  step.name = "COPY";
  step.tree = &named.context->files();
  step.sums = named.sums.get();
  step.sources = {"."};
  step.destination = step.path = "/";
  step.rules.time = build_.epoch;
  step.rules.split_links = build_.epoch.has_value();
  return copy_files(step);
}

Result<void> Stage::expand_file_step(FileStep& step, const dockerfile::FileCopy& v) {
  for (const auto& source : v.sources) step.sources.push_back(TRY(expand(source)));
  for (const auto& heredoc : v.heredocs) {
    auto body = heredoc.body;
    if (heredoc.expand)
      body = TRY(dockerfile::expand_heredoc(body, build_.dockerfile.escape,
                                            [&](std::string_view name) { return variable(name); }));
    auto file = TRY(make_heredoc_file(build_.store, heredoc.name, body));
    auto copy = file->source;
    step.files.push_back({std::move(copy), std::move(file)});
  }
  step.destination = TRY(expand(v.destination));
  step.chown = TRY(expand(v.chown));
  if (!step.chown.empty()) step.flags += fmt::format("--chown={} ", step.chown);
  if (auto chmod = TRY(expand(v.chmod)); !chmod.empty()) {
    step.rules.mode = TRY(ModeChange::parse(chmod));
    step.flags += fmt::format("--chmod={} ", chmod);
  }
  step.rules.exclude = TRY(dockerfile::IgnoreMatcher::compile(v.exclude));
  for (const auto& pattern : v.exclude) step.flags += fmt::format("--exclude={} ", pattern);
  if (v.link) step.flags += "--link ";
  step.link = v.link;
  if (step.rules.parents) step.flags += "--parents ";
  step.path = absolute_path(config_.working_dir, step.destination);
  step.rules.time = build_.epoch;
  // A copied folder or a clone has no hard links, and they are no part of the cache key.
  step.rules.split_links = build_.epoch && !step.from_image;
  return {};
}

Result<void> Stage::take_sources(FileStep& step) {
  std::vector<FileStep::Source> heredocs;  // behind what is written before them
  heredocs.swap(step.files);
  std::size_t found = heredocs.size();
  for (const auto& written : step.sources) found += TRY(take_source(step, written));
  for (auto& heredoc : heredocs) step.files.push_back(std::move(heredoc));
  if (found == 0) return step.failed("no source files were specified");
  if (found > 1 && !step.path.ends_with('/') && !step.rules.parents)
    return Error(
        ErrorCode::InvalidArgument,
        fmt::format("When using {} with more than one source file, the destination must be "
                    "a directory and end with a /",
                    step.name));
  // The working directory is one, also for --link, which does not look at what the image has.
  bool here = step.destination == "." || step.destination.empty();
  step.as_directory = step.path.ends_with('/') || (step.link && here);
  return {};
}

/// How many files there are; those that --exclude names are not taken.
Result<std::size_t> Stage::take_source(FileStep& step, const std::string& written) {
  bool git = step.fetch && is_git_url(written);
  if (git || (step.fetch && http::is_url(written))) {
    auto fetched = TRY((git ? clone(step, written) : fetch(step, written)).context("ADD failed"));
    auto copy = fetched->source;
    step.files.push_back({std::move(copy), std::move(fetched)});
    return 1;
  }
  if (step.keep_git_dir) return step.failed("--keep-git-dir: not a git repository: " + written);
  if (!step.from_image && leaves_root(strip_front(written)))
    return step.failed(fmt::format("forbidden path outside the build context: {} ()", written));
  std::string source(strip_front(written));
  std::size_t pivot = 0;
  if (step.rules.parents) source = parents_path(source, pivot);
  std::vector<std::string> names = {source};
  if (dockerfile::is_glob(source)) names = TRY(step.tree->glob(source));
  for (const auto& name : names) {
    auto file = step.tree->find(name);
    if (!file && file.error().code() == ErrorCode::NotFound)
      return step.failed(step.from_image
                             ? file.error().message()
                             : "file not found in build context or excluded by .dockerignore: " +
                                   file.error().message());
    if (!file) return std::move(file).error();
    CopySource copy{base_name(name), *std::move(file), ""};
    if (step.rules.parents) {
      auto kept = drop_components(name, pivot);
      copy.front = name.substr(0, name.size() - kept.size());
      copy.name = kept;
    }
    if (!copy.file.is_directory() && step.rules.exclude.ignored(copy.name)) continue;
    step.files.push_back({std::move(copy), nullptr});
  }
  return names.size();
}

Result<std::unique_ptr<LooseFile>> Stage::fetch(const FileStep& step, const std::string& url) {
  RemoteRequest request{url, step.destination.ends_with('/')};
  auto event = [this](progress::Download download) {
    download.step = output_.step();
    output_.report().tell(std::move(download));
  };
  auto file = TRY(fetch_file(build_.store, request, output_, event, build_.stop));
  auto expected = file->content;
  if (!step.checksum.empty()) expected = TRY(Digest::parse(step.checksum));
  if (file->content != expected)
    return Error(ErrorCode::Corrupt, fmt::format("{}: digest mismatch: expected {}, got {}", url,
                                                 step.checksum, file->content.str()));
  return file;
}

Result<std::unique_ptr<LooseFile>> Stage::clone(const FileStep& step, const std::string& url) {
  auto source = TRY(parse_git_url(url));
  auto file = make_git_files(build_.store, source,
                             {step.keep_git_dir, step.checksum, build_.request.context.git_auth},
                             build_.stop);
  if (!file && file.error().code() != ErrorCode::Cancelled)
    file.error().add_context(http::is_url(url) ? http::shown_url(url) : url);
  return file;
}

Result<void> Stage::copy_files(FileStep& step) {
  TRY(take_sources(step));
  auto hint = StepCache::material({"copy like", step.front(), step.back(), step.path});
  auto material = [&](const std::string& text) {
    return StepCache::material(
        {"copy", text, step.path, build_.request.allow_whiteouts ? "whiteouts" : ""});
  };
  // The sums cost a read of all files: they are worth it only if there is something to be found.
  if (build_.request.explain_cache || TRY(may_find(step, hint))) {
    auto text = TRY(step.text());
    if (TRY(look_up(step_config(text), material(text)))) return {};
    if (TRY(reuse(step_config(text), material(text)))) return {};
  }
  missed_ = true;

  if (!step.chown.empty() || !step.from_image) step.rules.owner = Owner();
  if (!step.chown.empty()) {
    int image = TRY(root());
    auto nowhere = TRY(open_dir(AT_FDCWD, "/proc/self/fdinfo"));
    step.rules.owner = TRY(resolve_chown(image >= 0 ? image : nowhere.get(), step.chown));
  }
  start_committer();  // while there is something else to do
  auto layer = TRY(write_files(step));
  auto text = TRY(step.text());  // all sums are known now, while the last files are written
  TRY(layer.settle().context("{} failed", step.name));
  TRY(stand_on(layer));
  if (build_.request.behind != nullptr) build_.request.behind->pause();  // the digest goes on
  return commit({.container_config = step_config(text),
                 .layer = std::move(layer),
                 .material = material(text),
                 .hint = hint});
}

Result<bool> Stage::may_find(const FileStep& step, const std::string& hint) {
  if (!caching_) return false;
  if (build_.request.find_step) return true;
  if (know_chain() && StepCache(build_.store, build_.epoch).knows(hint, chain_)) return true;
  if (!may_look_up()) return false;
  if (!build_.cache_sources.empty()) return true;
  return has_step_like(build_.store, image_.id, step.front(), step.back());
}

/// Names the first file that differs from those of an earlier COPY or ADD.
void Stage::tell_file_miss(const CopyPlan& plan, bool unpacks) {
  if (miss_ && miss_->other_files) {
    auto layer = build_.store.layers().get(*top_chain(miss_->other_files->config));
    auto files = layer ? build_.store.caches().open_diff(layer->cache_id)
                       : Result<UniqueFd>(std::move(layer).error());
    // An earlier result that cannot be read any more explains nothing, and fails nothing.
    auto difference = files ? plan.first_difference(files->get()) : Result<std::string>("");
    if (difference && !difference->empty() && !unpacks) miss_->reason = *difference;
    if (unpacks) miss_->reason = "the archive's content differs";
  }
  tell_miss();
}

/// On what the stage has come to. On a thread of its own: it changes nothing of the stage. `places`
/// are those of the step.
Result<Stage::NewLayer> Stage::make_layer(const FileStep& step, const std::optional<Digest>& places,
                                          bool has_donors) const {
  std::vector<DonorLayer> donors;
  if (has_donors) donors = TRY(find_donors(build_.store, chain_));
  auto number = has_donors && places ? find_note(*step.sums, *places, donors) : 0;
  NewLayer layer{TRY(LayerWriter::create(build_.store, base_, std::move(donors))), number};
  if (number > 0) layer.writer.know_first_donor();
  if (step.may_be_large()) layer.writer.expect_much();
  return layer;
}

/// The number of the newest note about one of the layers on chain_, which then comes first of
/// `donors`; 0 if there is none.
std::uint64_t Stage::find_note(Tarsums& sums, const Digest& places,
                               std::vector<DonorLayer>& donors) const {
  for (const auto& laid : sums.laid_by(places)) {
    auto found = std::find_if(donors.begin(), donors.end(), [&](const DonorLayer& donor) {
      return donor.cache_id == laid.cache_id && donor.parent == chain_;
    });
    if (found != donors.end()) {
      std::rotate(donors.begin(), found, found + 1);
      return laid.number;
    }
    // As when the layer that was made turned out to exist already. One on other layers stays.
    if (!build_.store.caches().open_diff(laid.cache_id)) sums.forget(laid);
  }
  return 0;
}

Result<LayerWriter> Stage::write_files(FileStep& step) {
  const auto step_number = step.sums->begin_step();
  const auto places = step.places();
  // Behind a step that is still being hashed the parent's ChainID is not known.
  InBackground<NewLayer> new_layer([this, &step, &places, has_donors = know_chain()] {
    return make_layer(step, places, has_donors);
  });
  std::vector<std::size_t> archives;  // indices
  std::string place;
  CopyPlan plan(step.link ? -1 : TRY(root()), step.rules);
  for (std::size_t i = 0; i < step.files.size(); i++) {
    const auto& source = step.files[i];
    bool fetched = source.loose && source.loose->remote;
    bool may_unpack = fetched ? step.unpack_fetched : step.unpack && !source.loose;
    if (may_unpack && TRY(is_archive(step.tree_of(source), source.copy.file))) {
      archives.push_back(i);
      place = TRY(plan.add_place(step.path).context("{} failed", step.name));
    } else {
      TRY(plan.add(step.tree_of(source), source.copy, step.path, step.as_directory)
              .context("{} failed", step.name));
    }
  }
  plan.finish();
  tell_file_miss(plan, !archives.empty());
  auto [layer, note_number] = TRY(new_layer.take());
  auto* behind = build_.request.behind;
  auto tell = [&, last = std::int64_t{0}](const CopyPlan::Copied& copied) mutable {
    output_.copied(copied.bytes);
    if (behind != nullptr) behind->add(copied.dirtied - std::exchange(last, copied.dirtied));
  };
  // A note is about files that are laid down, not about the content of archives.
  CopyPlan::Sums sums{step.sums, step_number, archives.empty() ? note_number : 0};
  TRY(plan.write(layer, sums, tell, build_.stop).context("{} failed", step.name));
  if (archives.empty()) {
    if (places) step.sums->note(*places, {layer.cache_id(), step_number});
    return std::move(layer);
  }
  TRY(layer.settle().context("{} failed", step.name));
  TRY(layer.seal());  // the tar of the whole is made by adopt()
  TRY(unpack_archives(step, archives, *layer.cache(), place));
  TRY(settle_times(*layer.cache()));
  return LayerWriter::adopt(build_.store, layer.cache());
}

/// Into the merged view, as dockerd does it: a link that the image has on the way is followed, not
/// replaced ("lib/x" goes to /usr/lib/x where /lib is a link).
Result<void> Stage::unpack_archives(const FileStep& step, const std::vector<std::size_t>& archives,
                                    const CacheDir& layer, const std::string& place) {
  OverlaySpec spec;
  spec.overlay_dir = build_.store.caches().dir();
  spec.lowers = base_.lowers;
  spec.upper = layer.id() + "/diff";
  if (!spec.lowers.empty()) spec.work = layer.id() + "/work";
  spec.is_volatile = true;  // durable by the one syncfs at the end of the build
  auto merged = TRY(mount_overlay(spec));
  auto root = TRY(open_in_root(merged.get(), place.empty() ? "." : place, Resolve::NoLinks,
                               O_PATH | O_DIRECTORY));
  auto marks = build_.request.allow_whiteouts ? Marks::Delete : Marks::Refuse;
  for (std::size_t i : archives) {
    const auto& file = step.files[i];
    auto fd = TRY(step.tree_of(file).open(file.copy.file));
    FdSource source(fd.get());
    auto plain = TRY(decompress(source));
    LimitedSource limited(*plain, build_.request.max_layer_size,
                          "the archive without compression (--max-layer-size)");
    WrittenBehind written(limited, build_.request.behind);
    auto done = unpack(root.get(), written, marks, build_.stop);
    if (!done && done.error().code() != ErrorCode::Cancelled)
      done.error().add_context("failed to copy files: Error processing tar file(exit status 1)");
    if (!done) return done;
  }
  return {};
}

}  // namespace strata::build
