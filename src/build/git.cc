// Repositories by the program `git`, which is told everything and asks nothing.
#include "build/git.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/io.h"
#include "base/process.h"
#include "base/text.h"
#include "fs/walk.h"
#include "http/session.h"
#include "http/url.h"

extern char** environ;

namespace strata::build {
namespace {

constexpr const char* kTree = "tree";        // the work tree, below the scratch directory
constexpr int kStopPoll = 100;               // milliseconds between looks at the stop token
constexpr std::size_t kMaxOutput = 1 << 20;  // bytes that are kept of what git says
constexpr std::size_t kCommitDigits = 40;

/// Of git's variables only those that say how to reach a server are the user's: neither his own nor
/// the machine's configuration may change what files come out.
std::vector<std::string> git_environment(const std::string& url, const std::string& authorization) {
  constexpr std::array<std::string_view, 7> kKept = {
      "GIT_SSH=",        "GIT_SSH_COMMAND=",   "GIT_SSH_VARIANT=",    "GIT_SSL_CAINFO=",
      "GIT_SSL_CAPATH=", "GIT_SSL_NO_VERIFY=", "GIT_HTTP_USER_AGENT="};
  std::vector<std::string> env;
  bool own_ssh = false;
  for (char** at = environ; *at != nullptr; at++) {
    std::string_view entry = *at;
    bool kept = std::any_of(kKept.begin(), kKept.end(),
                            [&](std::string_view name) { return entry.starts_with(name); });
    own_ssh = own_ssh || entry.starts_with("GIT_SSH=") || entry.starts_with("GIT_SSH_COMMAND=");
    bool dropped = entry.starts_with("GIT_") || entry.starts_with("SSH_ASKPASS") ||
                   entry.starts_with("LC_") || entry.starts_with("LANG");
    if (kept || !dropped) env.emplace_back(entry);
  }
  if (!own_ssh) env.emplace_back("GIT_SSH_COMMAND=ssh -o BatchMode=yes");
  for (const char* fixed :
       {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
        "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "GIT_ALLOW_PROTOCOL=http:https:git:ssh",
        "GIT_PROTOCOL_FROM_USER=0", "GIT_LFS_SKIP_SMUDGE=1", "LC_ALL=C"})
    env.emplace_back(fixed);
  if (authorization.empty()) return env;
  // For this server alone, and not as an argument, which anyone can see.
  env.emplace_back("GIT_CONFIG_COUNT=1");
  env.push_back(fmt::format("GIT_CONFIG_KEY_0=http.{}.extraHeader", http::origin_of(url) + '/'));
  env.push_back("GIT_CONFIG_VALUE_0=Authorization: " + authorization);
  return env;
}

/// The line of git's stderr that says what is wrong.
std::string git_complaint(std::string_view text) {
  std::string_view last;
  for (std::string_view start : {"fatal: ", "error: "})
    for (auto line : split(text, '\n'))
      if (line.starts_with(start)) return std::string(line);
  for (auto line : split(text, '\n'))
    if (!line.empty()) last = line;
  return std::string(last);
}

/// Runs git in one repository.
class GitRepository {
 public:
  GitRepository(std::string path, const GitSource& source, std::string authorization,
                const std::stop_token& stop)
      : path_(std::move(path)),
        source_(source),
        authorization_(std::move(authorization)),
        stop_(stop) {}

  /// What it prints. An error has git's own line.
  Result<std::string> run(std::vector<std::string> arguments) const {
    Command command;
    command.argv = {"git", "-C", path_};
    for (const char* setting :
         {"core.hooksPath=/dev/null", "core.fsmonitor=false", "core.autocrlf=false",
          "core.attributesFile=/dev/null", "core.excludesFile=/dev/null", "core.symlinks=true",
          "core.fileMode=true", "gc.auto=0", "maintenance.auto=false", "advice.detachedHead=false",
          "init.defaultBranch=master", "credential.helper=", "protocol.allow=never",
          "protocol.http.allow=always", "protocol.https.allow=always", "protocol.git.allow=always",
          "protocol.ssh.allow=always"}) {
      command.argv.emplace_back("-c");
      command.argv.emplace_back(setting);
    }
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.env = git_environment(source_.url, authorization_);
    command.new_session = true;  // no terminal to ask on, and its helpers can be ended with it
    command.in_child = [] {
      ::umask(022);
      return 0;
    };
    auto output = TRY(capture(std::move(command)));
    if (output.status.success()) return std::move(output.out);
    auto why = git_complaint(output.err);
    if (why.empty())
      why = fmt::format("git {}: status {}", arguments[0], output.status.shell_code());
    return Error(ErrorCode::Unavailable, without_password(std::move(why)));
  }

 private:
  Result<Output> capture(Command command) const {
    auto out = TRY(make_pipe());
    auto err = TRY(make_pipe());
    command.stdout_fd = out.write.get();
    command.stderr_fd = err.write.get();
    auto process = Process::start(command);
    if (!process && process.error().sys_errno() == ENOENT)
      return Error(ErrorCode::NotFound,
                   "unable to find 'git': exec: \"git\": executable file not found in $PATH");
    if (!process) return std::move(process).error();
    for (UniqueFd* end : {&out.write, &err.write}) *end = UniqueFd();
    Output result;
    auto read = read_both(out.read.get(), err.read.get(), result);
    if (!read) ::kill(-process->pid(), SIGKILL);  // its helpers too
    TRY(std::move(read));
    result.status = TRY(process->wait());
    return result;
  }

  Result<void> read_both(int out, int err, Output& result) const {
    std::array<std::string*, 2> sinks = {&result.out, &result.err};
    std::array<pollfd, 2> fds = {pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
    std::array<char, 16384> buffer{};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
      if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
      if (::poll(fds.data(), fds.size(), kStopPoll) < 0 && errno != EINTR)
        return Error::from_errno(errno, "poll");
      for (std::size_t i = 0; i < fds.size(); i++) {
        if (fds[i].fd < 0 || fds[i].revents == 0) continue;
        ssize_t n = ::read(fds[i].fd, buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
          fds[i].fd = -1;
        else if (sinks[i]->size() < kMaxOutput)
          sinks[i]->append(buffer.data(), static_cast<std::size_t>(n));
      }
    }
    return {};
  }

  std::string without_password(std::string text) const {
    auto shown = http::is_url(source_.url) ? http::shown_url(source_.url) : source_.url;
    for (auto at = text.find(source_.url); shown != source_.url && at != std::string::npos;
         at = text.find(source_.url, at + shown.size()))
      text.replace(at, source_.url.size(), shown);
    return text;
  }

  std::string path_;
  const GitSource& source_;
  std::string authorization_;
  const std::stop_token& stop_;
};

std::string first_line(std::string text) {
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

bool may_be_commit(std::string_view text) {
  return text.size() >= 4 && std::all_of(text.begin(), text.end(), is_hex_digit);
}

/// Takes one commit if the server gives it, else everything that may have it.
Result<std::string> fetch_commit(const GitRepository& git, const GitSource& source) {
  std::string ref = source.ref.empty() ? "HEAD" : source.ref;
  auto fetched = git.run({"fetch", "-q", "--depth=1", "--no-tags", "origin", ref});
  // A server of plain files cannot cut a history.
  if (!fetched && fetched.error().message().find("shallow") != std::string::npos)
    fetched = git.run({"fetch", "-q", "--no-tags", "origin", ref});
  if (fetched) fetched = git.run({"rev-parse", "--verify", "FETCH_HEAD^{commit}"});
  if (fetched) return first_line(*std::move(fetched));
  if (!may_be_commit(ref)) return std::move(fetched).error();
  // The first digits of a commit, or one that the server does not give by itself.
  if (!git.run({"fetch", "-q", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"}))
    return std::move(fetched).error();
  auto commit = git.run({"rev-parse", "--verify", ref + "^{commit}"});
  if (!commit) return std::move(fetched).error();
  return first_line(*std::move(commit));
}

Result<Time> commit_time(const GitRepository& git, const std::string& commit) {
  auto text =
      first_line(TRY(git.run({"show", "-s", "--no-show-signature", "--format=%ct", commit})));
  Time time;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time.seconds);
  if (error != std::errc() || end != text.data() + text.size())
    return Error(ErrorCode::Corrupt, fmt::format("commit {}: bad time \"{}\"", commit, text));
  return time;
}

/// A shallow fetch is not what every server can do.
Result<void> fetch_submodules(const GitRepository& git) {
  std::vector<std::string> update = {"submodule", "-q", "update", "--init", "--recursive"};
  auto shallow = update;
  shallow.emplace_back("--depth=1");
  if (git.run(std::move(shallow))) return {};
  TRY(git.run(std::move(update)));
  return {};
}

/// What tools that look at .git want to see of the branch or tag.
Result<void> name_commit(const GitRepository& git, int tree, const std::string& commit) {
  auto line = first_line(TRY(read_file(tree, ".git/FETCH_HEAD")));
  auto quote = line.find('\'');
  auto end = line.find('\'', quote + 1);
  if (quote == std::string::npos || end == std::string::npos) return {};
  auto name = line.substr(quote + 1, end - quote - 1);
  auto front = line.substr(0, quote);
  if (front.ends_with("tag "))
    TRY(git.run({"update-ref", "refs/tags/" + name, line.substr(0, kCommitDigits)}));
  else if (front.ends_with("branch "))
    TRY(git.run({"update-ref", "refs/remotes/origin/" + name, commit}));
  return {};
}

/// Takes out of .git what depends on this machine and on now: logs, and the index's inodes.
Result<void> settle_git_dir(const GitRepository& git, int tree) {
  for (const char* name : {".git/logs", ".git/index", ".git/FETCH_HEAD"}) {
    auto removed = remove_tree(tree, name);
    if (!removed && removed.error().code() != ErrorCode::NotFound) return removed;
  }
  TRY(git.run({"read-tree", "HEAD"}));
  return {};
}

/// Gives everything below `root` one time; with `drop_git` without what is git's own, which in a
/// submodule is a file.
Result<void> settle_files(int root, const Time& time, bool drop_git) {
  auto drop = [](const WalkEntry& entry) -> Result<WalkStep> {
    if (entry.name != ".git") return WalkStep::Enter;
    TRY(remove_tree(entry.dir, entry.name));
    return WalkStep::Skip;
  };
  if (drop_git) TRY(walk_tree(root, drop));
  const timespec times[2] = {{time.seconds, 0}, {time.seconds, 0}};
  TRY(walk_tree(root, [&](const WalkEntry& entry) -> Result<WalkStep> {
    if (::utimensat(entry.dir, entry.name.c_str(), times, AT_SYMLINK_NOFOLLOW) < 0)
      return Error::from_errno(errno, "set time of " + entry.path);
    return WalkStep::Enter;
  }));
  if (::futimens(root, times) < 0) return Error::from_errno(errno, "set time of the repository");
  return {};
}

Result<std::string> fetch_into(const GitRepository& git, const GitSource& source) {
  TRY(git.run({"init", "-q", "--template="}));
  TRY(git.run({"remote", "add", "origin", source.url}));
  return fetch_commit(git, source).context("error fetching");
}

}  // namespace

Result<GitCheckout> fetch_git(const Store& store, const GitSource& source,
                              const GitOptions& options, const std::stop_token& stop) {
  auto scratch = TRY(TempDir::create(store.own_dir(), "git-"));
  TRY(make_dirs(scratch.fd(), kTree, 0755));
  auto tree = TRY(open_dir(scratch.fd(), kTree));
  GitRepository git(fmt::format("{}/strata/{}/{}", store.path(), scratch.name(), kTree), source,
                    git_authorization(options.auth, source.url), stop);
  constexpr const char* kWhat = "unable to 'git clone' to temporary context directory";
  auto commit = fetch_into(git, source);
  if (!commit) {
    if (commit.error().code() == ErrorCode::Unavailable) commit.error().add_context(kWhat);
    return std::move(commit).error();
  }
  for (const auto& wanted : {options.commit, source.commit})
    if (!commit->starts_with(wanted))
      return Error(ErrorCode::Corrupt,
                   fmt::format("commit mismatch: expected {}, got {}", wanted, *commit));
  auto time = TRY(commit_time(git, *commit));
  TRY(git.run({"checkout", "-q", "--detach", *commit}).context("{}: error checking out", kWhat));
  if (source.submodules)
    TRY(fetch_submodules(git).context("{}: error initializing submodules", kWhat));
  bool keep_git_dir = source.keep_git_dir.value_or(options.keep_git_dir);
  if (keep_git_dir) {
    TRY(name_commit(git, tree.get(), *commit));
    TRY(settle_git_dir(git, tree.get()));
  }
  TRY(settle_files(tree.get(), time, !keep_git_dir));
  auto root = open_in_root(tree.get(), source.directory.empty() ? "." : source.directory,
                           Resolve::InRoot, O_RDONLY | O_DIRECTORY);
  if (!root)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("error setting context, not a directory: {}", source.directory));
  return GitCheckout{std::move(scratch), *std::move(root), *std::move(commit), time};
}

}  // namespace strata::build
