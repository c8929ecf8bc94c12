#include "cli/build_outputs.h"

#include <unistd.h>

#include "image/json.h"

namespace strata::cli {
namespace {

constexpr const char* kIndent = "  ";  // as buildx

const char* exporter(BuildOutput::Type type) {
  switch (type) {
    case BuildOutput::Type::Docker:
      return "docker";
    case BuildOutput::Type::Oci:
      return "oci";
    default:
      return "tar";
  }
}

}  // namespace

Result<void> BuildFiles::open(std::vector<BuildOutput>& outputs) {
  for (auto& output : outputs) {
    if (output.type == BuildOutput::Type::Local) TRY(check_build_directory(output.destination));
    if (!output.is_stream()) continue;
    bool standard = output.destination == "-";
    if (standard && to_stdout_)
      return Error(ErrorCode::InvalidArgument, "only one output can go to standard output");
    if (standard && ::isatty(STDOUT_FILENO) == 1)
      return Error(
          ErrorCode::InvalidArgument,
          fmt::format("dest file is required for {} exporter. refusing to write to console",
                      exporter(output.type)));
    to_stdout_ = to_stdout_ || standard;
    if (!standard) TRY(check_output_path(output.destination));
    auto file = TRY(OutputFile::open(standard ? "" : output.destination));
    files_.push_back(std::make_unique<OutputFile>(std::move(file)));
    output.sink = [to = files_.back().get()](std::string_view bytes) { return to->write(bytes); };
  }
  return {};
}

Result<void> BuildFiles::finish() {
  for (auto& file : files_) TRY(file->finish());
  return {};
}

std::string build_metadata(const BuildImageResult& result) {
  Json::Object members;
  const auto id = result.id->str();
  members.emplace_back("containerimage.config.digest", id);
  if (result.manifest) {
    const auto& digest = result.manifest->digest;
    members.emplace_back("containerimage.descriptor",
                         Json::object({{"mediaType", result.manifest->media_type},
                                       {"digest", digest},
                                       {"size", result.manifest->size}}));
    members.emplace_back("containerimage.digest", digest);
  } else {
    members.emplace_back("containerimage.digest", id);
  }
  std::string names;
  for (const auto& name : result.names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) members.emplace_back("image.name", names);
  return Json(std::move(members)).dump_indented(kIndent);
}

}  // namespace strata::cli
