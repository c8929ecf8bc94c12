#include "cli/commands.h"
#include "cli/report.h"
#include "engine/files.h"

namespace strata::cli {
namespace cmd_mount {
namespace {

Result<int> mount(Call& call) {
  auto path = mount_image(engine_options(call), call.args[0],
                          call.args.size() > 1 ? call.args[1] : std::string());
  if (!path) return from_daemon(std::move(path).error());
  fmt::print(call.out, "{}\n", *path);
  return 0;
}

Result<int> unmount(Call& call) {
  for (const auto& what : call.args) {
    auto path = unmount_image(engine_options(call), what);
    if (!path) return from_daemon(std::move(path).error());
    fmt::print(call.out, "{}\n", *path);
  }
  return 0;
}

}  // namespace
}  // namespace cmd_mount

Command image_mount_command(std::string_view path) {
  return {.path = path,
          .operands = "IMAGE [DIRECTORY]",
          .summary = "Mount an image read-only",
          .description =
              "Mounts the file system of an image at DIRECTORY, or at a directory of the store, "
              "and prints where. It stays until `image umount` takes it away.",
          .arity = between(1, 2),
          .make = action<cmd_mount::mount>};
}

Command image_umount_command(std::string_view path) {
  return {.path = path,
          .operands = "IMAGE|DIRECTORY [IMAGE|DIRECTORY...]",
          .summary = "Take a mount of an image away",
          .description = "Ends what `image mount` began; named by the image, or by the directory.",
          .arity = at_least(1),
          .make = action<cmd_mount::unmount>};
}

}  // namespace strata::cli
