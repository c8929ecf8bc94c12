#include "cli/commands.h"

#include "cli/docs.h"

namespace strata::cli {
namespace {

constexpr Command group(std::string_view path, std::string_view summary) {
  return {.path = path, .operands = "COMMAND", .summary = summary};
}

std::span<const Command> all_commands() {
  static const Command kCommands[] = {
      group("builder", "Manage builds"),
      group("buildx", "Build images, under the names of docker's plugin"),
      group("container", "Manage containers"),
      group("image", "Manage images"),
      group("manifest", "Manage Docker image manifests and manifest lists"),
      group("registry", "Look into registries"),
      group("system", "Manage Strata"),

      build_command("build"),
      build_command("builder build"),
      build_command("buildx build"),
      build_command("image build"),
      builder_du_command("builder du"),
      builder_du_command("buildx du"),
      builder_prune_command("builder prune"),
      builder_prune_command("buildx prune"),
      cat_command("cat"),
      check_command("check"),
      commit_command("commit"),
      commit_command("container commit"),
      copy_command("copy"),
      copy_command("image copy"),
      cp_command("cp"),
      cp_command("container cp"),
      container_prune_command("container prune"),
      create_command("create"),
      create_command("container create"),
      diff_command("diff"),
      diff_command("container diff"),
      exec_command("exec"),
      exec_command("container exec"),
      export_command("export"),
      export_command("container export"),
      history_command("history"),
      history_command("image history"),
      image_prune_command("image prune"),
      images_command("images"),
      images_command("image ls"),
      import_command("import"),
      import_command("image import"),
      info_command("info"),
      info_command("system info"),
      inspect_command("inspect"),
      image_inspect_command("image inspect"),
      container_inspect_command("container inspect"),
      image_mount_command("image mount"),
      image_umount_command("image umount"),
      kill_command("kill"),
      kill_command("container kill"),
      layers_command("layers"),
      layers_command("image layers"),
      load_command("load"),
      load_command("image load"),
      login_command("login"),
      logout_command("logout"),
      logs_command("logs"),
      logs_command("container logs"),
      ls_command("ls"),
      manifest_annotate_command("manifest annotate"),
      manifest_create_command("manifest create"),
      manifest_inspect_command("manifest inspect"),
      manifest_push_command("manifest push"),
      manifest_rm_command("manifest rm"),
      pause_command("pause"),
      pause_command("container pause"),
      pin_command("pin"),
      pin_command("image pin"),
      pins_command("pins"),
      pins_command("image pins"),
      ps_command("ps"),
      ps_command("container ls"),
      pull_command("pull"),
      pull_command("image pull"),
      push_command("push"),
      push_command("image push"),
      registry_referrers_command("registry referrers"),
      registry_rm_command("registry rm"),
      registry_tags_command("registry tags"),
      rename_command("rename"),
      rename_command("container rename"),
      restart_command("restart"),
      restart_command("container restart"),
      rm_command("rm"),
      rm_command("container rm"),
      rmi_command("rmi"),
      rmi_command("image rm"),
      run_command("run"),
      run_command("container run"),
      save_command("save"),
      save_command("image save"),
      search_command("search"),
      send_command("send"),
      send_command("image send"),
      start_command("start"),
      start_command("container start"),
      stop_command("stop"),
      stop_command("container stop"),
      system_df_command("system df"),
      system_prune_command("system prune"),
      tag_command("tag"),
      tag_command("image tag"),
      top_command("top"),
      top_command("container top"),
      unpause_command("unpause"),
      unpause_command("container unpause"),
      unpin_command("unpin"),
      unpin_command("image unpin"),
      version_command("version"),
      wait_command("wait"),
      wait_command("container wait"),

      exited_command("__exited"),
      receive_command("__receive"),
      kDocsCommand,
  };
  return kCommands;
}

}  // namespace

const Program& strata_program() {
  static const Program kProgram = {
      .summary = "Build, look into and run container images, without a daemon",
      .version = "version " STRATA_VERSION ", docker-compatible",
      .commands = all_commands(),
  };
  return kProgram;
}

}  // namespace strata::cli
