#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// The instructions of a Dockerfile as values. Everything is as written: variables are not expanded
// (expand.h does that when a step runs) and quotes are kept where the expansion needs them.
namespace strata::dockerfile {

/// One NAME=value of ENV or LABEL, unexpanded. The old form `ENV name some text` is one pair too.
struct KeyValue {
  std::string name;
  std::string value;
  bool operator==(const KeyValue&) const = default;
};

/// A here-document behind RUN, COPY or ADD: `<<EOF`, its body lines, `EOF`.
struct Heredoc {
  std::string name;    // the delimiter without quotes; also the name of the file it becomes
  std::string body;    // every line ends in '\n'; with <<- the leading tabs are gone
  bool expand = true;  // false when a part of the delimiter was quoted
  bool operator==(const Heredoc&) const = default;
};

/// The command of RUN, CMD, ENTRYPOINT or HEALTHCHECK.
/// Exec form: `words` is argv. Shell form: `words` is one string, the last argument of SHELL;
/// or empty, when nothing stands behind the keyword.
struct Command {
  bool shell_form = false;
  std::vector<std::string> words;
  bool operator==(const Command&) const = default;
};

struct From {
  std::string image;
  std::string platform;    // empty: not given
  std::string stage_name;  // lower-cased; empty: a stage without name
  // As written, for `build --check`: "aS", "Builder".
  std::string as_word;
  std::string stage_name_written;
};

struct Run {
  Command command;
  /// The values of --mount as written ("type=cache,target=/x"), in order.
  std::vector<std::string> mounts;
  std::string network;   // "default", "none", "host"; empty: not given
  std::string security;  // "sandbox", "insecure"; empty: not given
  std::vector<std::string> devices;
  /// The here-documents. Shell form with here-documents is ready to use: `command.words[0]` is the
  /// body when the line is a here-document and nothing else; otherwise the line, each body and each
  /// terminator, as a shell that knows here-documents wants it.
  std::vector<Heredoc> heredocs;
  /// The line is one here-document whose body starts with "#!": it is to be run as a program, from
  /// a read-only file named `heredocs[0].name`, and not by the shell.
  bool script = false;
};

struct Cmd {
  Command command;
};

struct Entrypoint {
  Command command;
};

struct Shell {
  std::vector<std::string> words;  // never empty
};

/// Durations in nanoseconds; 0 means not given, which is what docker stores for it.
struct Healthcheck {
  bool none = false;  // HEALTHCHECK NONE
  Command command;
  std::int64_t interval_ns = 0;
  std::int64_t timeout_ns = 0;
  std::int64_t start_period_ns = 0;
  std::int64_t start_interval_ns = 0;
  int retries = 0;  // 0: not given
};

struct Env {
  std::vector<KeyValue> variables;
  bool old_form = false;  // `ENV name some text`
};

struct Label {
  std::vector<KeyValue> labels;
  bool old_form = false;
};

struct Arg {
  struct Name {
    std::string name;
    std::optional<std::string> value;  // unexpanded; nothing for `ARG X`, "" for `ARG X=`
    bool operator==(const Name&) const = default;
  };
  std::vector<Name> names;
};

struct Expose {
  std::vector<std::string> ports;  // as written, sorted as strings
};

struct User {
  std::string user;
};

struct Workdir {
  std::string path;
};

struct Volume {
  std::vector<std::string> paths;
};

struct StopSignal {
  std::string signal;
};

struct Maintainer {
  std::string name;
};

/// The trigger is kept as text, here-documents included, and only parsed when an image built on
/// this one runs it: parse_trigger() in parser.h.
struct OnBuild {
  std::string trigger;
};

/// What COPY and ADD have in common. Flags that were not given are empty.
struct FileCopy {
  std::vector<std::string> sources;
  std::vector<Heredoc> heredocs;  // files given in the Dockerfile itself, after the sources
  std::string destination;
  std::string chown;
  std::string chmod;
  std::vector<std::string> exclude;  // patterns as in .dockerignore
  bool link = false;
};

struct Copy : FileCopy {
  std::string from;  // stage, its number, or image
  bool parents = false;
};

struct Add : FileCopy {
  std::string checksum;
  std::optional<bool> keep_git_dir;
  std::optional<bool> unpack;  // nothing: local archives yes, downloaded ones no
};

/// One instruction with its place in the file.
struct Instruction {
  int first_line = 0;  // physical lines, from 1; blank lines and comments counted
  int last_line = 0;   // of the last continuation or here-document line
  int blank_line = 0;  // the first blank line within a continuation; 0: there is none
  /// The comment lines directly above, without '#' and blanks: what `build --call=outline` shows.
  std::vector<std::string> comment;
  std::string keyword;   // upper case: "RUN"
  std::string original;  // what the Step line prints: the joined line, blanks at both ends trimmed
  std::variant<From, Run, Cmd, Entrypoint, Shell, Healthcheck, Env, Label, Arg, Expose, User,
               Workdir, Volume, StopSignal, Maintainer, OnBuild, Copy, Add>
      value;
};

}  // namespace strata::dockerfile
