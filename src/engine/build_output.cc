#include "engine/build_output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/io.h"
#include "base/temp_dir.h"
#include "container/copy_tree.h"
#include "fs/walk.h"
#include "image/reference.h"

namespace strata {
namespace {

constexpr const char* kTemporary = ".strata-output-";

Error bad_output(std::string text) { return Error(ErrorCode::InvalidArgument, std::move(text)); }

Error is_a_file(const std::string& path) {
  return bad_output(fmt::format("destination directory {} is a file", path));
}

Result<BuildOutput::Type> parse_type(std::string_view text) {
  if (text == "local") return BuildOutput::Type::Local;
  if (text == "tar") return BuildOutput::Type::Tar;
  if (text == "docker") return BuildOutput::Type::Docker;
  if (text == "oci") return BuildOutput::Type::Oci;
  if (text == "image" || text == "registry") return BuildOutput::Type::Image;
  return Error(ErrorCode::Unsupported,
               fmt::format("output type \"{}\" is not supported: local, tar, docker, oci, image or "
                           "registry",
                           text));
}

Result<void> add_names(std::string_view text, std::vector<std::string>& names) {
  for (std::size_t at = 0; at <= text.size();) {
    auto end = std::min(text.find(',', at), text.size());
    auto name = text.substr(at, end - at);
    TRY(Reference::parse_normalized(name));
    names.emplace_back(name);
    at = end + 1;
  }
  return {};
}

Result<bool> parse_flag(const std::string& key, const std::string& value) {
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  return bad_output(fmt::format("non-bool value specified for {}", key));
}

/// The options of an image that is pushed, beside `push` itself. False if it is none of them.
Result<bool> set_push_option(BuildOutput::Push& push, const std::string& key,
                             const std::string& value) {
  if (key == "push-by-digest")
    push.by_digest = TRY(parse_flag(key, value));
  else if (key == "registry.insecure")
    push.insecure = TRY(parse_flag(key, value));
  else if (key == "oci-mediatypes")
    push.form.oci = TRY(parse_flag(key, value));
  else if (key == "compression")
    push.form.compression = value;
  else if (key == "force-compression")
    push.form.force_compression = TRY(parse_flag(key, value));
  else
    return false;
  return true;
}

Result<void> set_option(BuildOutput& output, const std::string& key, const std::string& value) {
  if (key == "type") {
    if (value == "registry" && !output.push) output.push = BuildOutput::Push();
    return {};
  }
  if (key == "push" && output.type == BuildOutput::Type::Image) {
    if (!TRY(parse_flag(key, value)))
      output.push.reset();
    else if (!output.push)
      output.push = BuildOutput::Push();
    return {};
  }
  if (key == "dest") {
    output.destination = value;
    return {};
  }
  if (key == "name") return add_names(value, output.names);
  bool default_value = (key == "push" && value == "false") ||
                       (key == "compression" && value == "uncompressed") ||
                       (key == "tar" && value == "true");
  if (default_value) return {};
  return Error(ErrorCode::Unsupported,
               fmt::format("output option {}={} is not supported", key, value));
}

Result<void> check_output(BuildOutput& output) {
  using Type = BuildOutput::Type;
  if (output.type == Type::Docker && output.destination.empty()) output.type = Type::Image;
  if (output.type == Type::Image && !output.destination.empty())
    return bad_output("an output of type image has no dest");
  if (output.type == Type::Local && output.destination.empty())
    return bad_output("output directory is required for local exporter");
  if (output.type == Type::Local && output.destination == "-")
    return bad_output("dest of a local exporter cannot be standard output");
  if (output.is_stream() && output.destination.empty()) output.destination = "-";
  return {};
}

// --- local

/// Moves all that is below `from` into `to`. Directories that are there stay, and get the new
/// metadata; whatever else has a name that is needed goes.
class Merge {
 public:
  Merge(int from, int to) : from_(from), to_(to) {}

  Result<void> run() {
    TRY(walk_tree(from_, [this](const WalkEntry& entry) { return move(entry); }));
    for (auto path = merged_.rbegin(); path != merged_.rend(); ++path) {
      auto source = TRY(open_in_root(from_, *path, Resolve::NoLinks, O_RDONLY | O_DIRECTORY));
      auto target = TRY(open_in_root(to_, *path, Resolve::NoLinks, O_RDONLY | O_DIRECTORY));
      TRY(copy_root_metadata(source.get(), target.get()));
    }
    return {};
  }

 private:
  Result<WalkStep> move(const WalkEntry& entry) {
    auto slash = entry.path.rfind('/');
    std::string parent = slash == std::string::npos ? "." : entry.path.substr(0, slash);
    auto dir = TRY(open_in_root(to_, parent, Resolve::NoLinks, O_RDONLY | O_DIRECTORY));
    auto there = stat_at(dir.get(), entry.name);
    if (there && S_ISDIR(there->st_mode) && S_ISDIR(entry.st.st_mode)) {
      merged_.push_back(entry.path);
      return WalkStep::Enter;
    }
    if (there && (S_ISDIR(there->st_mode) || S_ISDIR(entry.st.st_mode)))
      TRY(remove_tree(dir.get(), entry.name));
    if (::renameat(entry.dir, entry.name.c_str(), dir.get(), entry.name.c_str()) < 0)
      return Error::from_errno(errno, entry.path);
    return WalkStep::Skip;
  }

  int from_;
  int to_;
  std::vector<std::string> merged_;  // directories that were there
};

Result<void> copy_for_user(int root, int to) {
  CopyRules rules;
  rules.owner = Owner{::geteuid(), ::getegid()};
  return copy_into(root, ".", to, ".", rules);
}

Result<void> export_into(int root, int dir, const std::function<Result<void>()>& check) {
  auto temporary = TRY(TempDir::create(dir, kTemporary));  // on the same file system
  TRY(copy_for_user(root, temporary.fd()));
  TRY(check());
  return Merge(temporary.fd(), dir).run();
}

Result<void> export_new(int root, const std::string& path,
                        const std::function<Result<void>()>& check) {
  auto slash = path.rfind('/');
  std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  if (parent != "." && parent != "/") TRY(make_dirs(AT_FDCWD, parent, 0755));
  auto dir = TRY(open_dir(AT_FDCWD, parent));
  auto temporary = TRY(TempDir::create(dir.get(), kTemporary));
  TRY(copy_for_user(root, temporary.fd()));
  if (::fchmod(temporary.fd(), 0755) < 0) return Error::from_errno(errno, "chmod");
  TRY(check());
  return temporary.publish(dir.get(), path.substr(slash == std::string::npos ? 0 : slash + 1));
}

}  // namespace

Result<void> check_build_directory(const std::string& path) {
  struct stat st = {};
  if (::stat(path.c_str(), &st) == 0 && !S_ISDIR(st.st_mode)) return is_a_file(path);
  return {};
}

Result<std::vector<std::string>> csv_fields(std::string_view text) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); i++) {
    if (text[i] == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"')
      fields.back() += text[i++];
    else if (text[i] == '"' && (quoted || fields.back().empty()))
      quoted = !quoted;
    else if (text[i] == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back() += text[i];
  }
  if (quoted) return bad_output(fmt::format("invalid value {}: quote without end", text));
  return fields;
}

void add_push_and_load(std::vector<BuildOutput>& outputs, bool push, bool load) {
  using Type = BuildOutput::Type;
  auto is_image = [](const BuildOutput& output) { return output.type == Type::Image; };
  bool has_image = std::any_of(outputs.begin(), outputs.end(), is_image);
  if ((push || load) && !has_image) outputs.emplace_back();
  for (auto& output : outputs)
    if (push && output.type == Type::Image && !output.push) output.push = BuildOutput::Push();
}

Result<BuildOutput> parse_build_output(std::string_view text) {
  BuildOutput output;
  auto fields = TRY(csv_fields(text));
  if (fields.size() == 1 && !text.empty() && fields[0] == text && !text.starts_with("type=")) {
    output.type = text == "-" ? BuildOutput::Type::Tar : BuildOutput::Type::Local;
    output.destination = text;
    return output;
  }
  bool typed = false;
  std::vector<std::pair<std::string, std::string>> options;
  for (const auto& field : fields) {
    auto equals = field.find('=');
    if (equals == std::string::npos) return bad_output("invalid value " + field);
    options.emplace_back(field.substr(0, equals), field.substr(equals + 1));
    if (options.back().first != "type") continue;
    output.type = TRY(parse_type(options.back().second));
    typed = true;
  }
  if (!typed) return bad_output("type is required for output");
  BuildOutput::Push push;
  for (const auto& [key, value] : options) {
    bool known = output.type == BuildOutput::Type::Image && TRY(set_push_option(push, key, value));
    if (!known) TRY(set_option(output, key, value));
  }
  TRY(check_output(output));
  TRY(check_push_form(push.form));
  if (output.push) output.push = push;
  return output;
}

Result<void> export_directory(int root, const std::string& destination,
                              const std::function<Result<void>()>& check) {
  auto path = destination;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  auto dir = open_dir(AT_FDCWD, path);
  if (dir) return export_into(root, dir->get(), check);
  if (dir.error().sys_errno() == ENOTDIR) return is_a_file(destination);
  if (dir.error().code() != ErrorCode::NotFound) return std::move(dir).error();
  return export_new(root, path, check);
}

}  // namespace strata
