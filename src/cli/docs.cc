#include "cli/docs.h"

#include <fmt/format.h>

#include "cli/detail/docs_table.h"

namespace strata::cli {
namespace {

Result<int> run_docs(Call& call) {
  const std::string& what = call.args[0];
  if (what == "man") {
    TRY(write_man_pages(call.program, call.args[1]));
    return 0;
  }
  if (what != "completion") {
    return Error(ErrorCode::InvalidArgument, fmt::format("{}: man or completion", what));
  }
  const std::string script = TRY(completion_script(call.program, call.args[1]));
  std::fwrite(script.data(), 1, script.size(), call.out);
  return 0;
}

}  // namespace

const Command kDocsCommand = {.path = "__docs",
                              .operands = "man DIR | completion SHELL",
                              .summary = "Write the manual pages or a shell's completion script",
                              .arity = exactly(2),
                              .make = action<run_docs>,
                              .hidden = true};

Result<std::string> completion_script(const Program& program, std::string_view shell) {
  if (shell == "bash") return bash_completion(program);
  if (shell == "zsh") return zsh_completion(program);
  if (shell == "fish") return fish_completion(program);
  return Error(ErrorCode::InvalidArgument,
               fmt::format("completion is made for bash, zsh and fish, not for {}", shell));
}

}  // namespace strata::cli
