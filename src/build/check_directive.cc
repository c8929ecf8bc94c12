#include "build/check_directive.h"

#include "image/platform.h"

namespace strata::build {
namespace {

constexpr const char* kCheckArg = "BUILDKIT_DOCKERFILE_CHECK";

std::optional<lint::BaseImage> base_image(const Store* images, const std::string& name) {
  if (images == nullptr) return std::nullopt;
  auto image = take_image(*images, name);
  if (!image) return std::nullopt;
  lint::BaseImage base;
  base.platform =
      Platform{image->config.os, image->config.architecture, image->config.variant}.str();
  base.env = image->config.config.env.value_or(std::vector<std::string>());
  return base;
}

}  // namespace

lint::Input lint_input(const Store* images, const SourceTree& files, const GivenArgs& build_args) {
  lint::Input input;
  input.build_args = build_args;
  input.base = [images](const std::string& name) { return base_image(images, name); };
  input.left_out = [&files](const std::string& path) { return files.left_out(path); };
  return input;
}

Result<lint::Settings> lint_settings(const dockerfile::Dockerfile& file,
                                     const GivenArgs& build_args) {
  auto given = build_args.find(kCheckArg);
  bool has = given != build_args.end() && given->second;
  return lint::parse_settings(has ? *given->second : file.check);
}

Result<void> check_directive(const dockerfile::Dockerfile& file, const Store& images,
                             const SourceTree& files, const GivenArgs& build_args) {
  auto settings = lint_settings(file, build_args);
  if (!settings || !settings->error) return {};
  auto findings = lint::lint(file, *settings, lint_input(&images, files, build_args));
  if (findings.empty()) return {};
  return Error(ErrorCode::InvalidArgument, lint::violation_text(findings));
}

}  // namespace strata::build
