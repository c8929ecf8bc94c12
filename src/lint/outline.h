#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dockerfile/parser.h"
#include "lint/lint.h"

// `build --call=outline` and `--call=targets`: what can be given to a build of a Dockerfile, read
// off the file. Descriptions are comments directly above: `# builder compiles the program` above
// `FROM go AS builder`, `# VERSION of the program` above `ARG VERSION`.
namespace strata::lint {

/// What a target of a Dockerfile takes from outside. All lists are in the order of the file.
struct Outline {
  struct Arg {
    std::string name;
    std::optional<std::string> value;  // --build-arg or the default; nothing: not set
    std::string description;
    int line = 0;  // of its first declaration
  };
  struct Secret {
    std::string name;
    bool required = false;
    int line = 0;
  };
  struct Cache {
    std::string id;
    int line = 0;
  };
  std::string name;  // of the stage; empty: it has none
  std::string description;
  std::vector<Arg> args;
  std::vector<Secret> secrets;
  std::vector<Secret> ssh;
  std::vector<Cache> caches;
};

/// Of stage `target` and all that it stands on or takes files from.
Outline outline(const dockerfile::Dockerfile& file, std::size_t target, const Input& input);

struct Target {
  std::string name;  // empty: the stage has none, and its number is what --target takes
  std::string description;
  std::string base;      // as FROM has it
  std::string platform;  // as FROM has it
  bool is_default = false;
  int line = 0;
};

/// All stages, in the order of the file.
std::vector<Target> targets(const dockerfile::Dockerfile& file);

}  // namespace strata::lint
