#include "cli/inspect_output.h"

#include <fmt/format.h>

#include "cli/go_template.h"

namespace strata::cli {
namespace {

constexpr int kBadTemplate = 64;  // docker's status for a --format that cannot be parsed

}  // namespace
Result<int> print_inspection(Call& call, const std::string& format,
                             const std::function<Result<Json>(const std::string& name)>& find) {
  std::optional<GoTemplate> tmpl;
  if (!format.empty() && format != "json") {
    auto parsed = GoTemplate::parse(format);
    if (!parsed) {
      auto error = template_error(std::move(parsed).error());
      fmt::print(call.err, "{}\n", error.message());
      return kBadTemplate;
    }
    tmpl.emplace(*std::move(parsed));
  }
  Json found = Json::array();
  std::string out;
  std::string missing;
  for (const auto& name : call.args) {
    auto object = find(name);
    if (!object) {
      auto message = object.error().message();
      if (message.starts_with("No such image: ")) message = "No such image: " + name;
      missing += fmt::format("Error: {}\n", message);
      continue;
    }
    if (tmpl) {
      TemplateOptions options;
      options.missing_key = MissingKey::Error;
      options.kind_of = docker_field_kind;
      if (auto done = tmpl->execute(*object, out, options); !done) {
        fmt::print(call.out, "{}\n", out);
        return template_error(std::move(done).error());
      }
      out += '\n';
    }
    found.push(*std::move(object));
  }
  if (tmpl && out.empty()) out = "\n";
  if (!tmpl) out = (format == "json" ? found.dump() : found.dump_indented()) + "\n";
  std::fwrite(out.data(), 1, out.size(), call.out);
  std::fflush(call.out);
  std::fwrite(missing.data(), 1, missing.size(), call.err);
  return missing.empty() ? 0 : 1;
}

}  // namespace strata::cli
