#include "cli/each_container.h"

#include "cli/report.h"

namespace strata::cli {

int for_each_container(Call& call, const std::function<Result<void>(const std::string&)>& act,
                       std::vector<std::string>* failed) {
  int exit_code = 0;
  for (const auto& name : call.args) {
    auto done = act(name);
    if (done) {
      fmt::print(call.out, "{}\n", name);
      std::fflush(call.out);
      continue;
    }
    fmt::print(call.err, "{}\n", from_daemon(std::move(done).error()).message());
    if (failed != nullptr) failed->push_back(name);
    exit_code = 1;
  }
  return exit_code;
}

}  // namespace strata::cli
