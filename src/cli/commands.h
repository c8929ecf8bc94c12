#pragma once

#include <span>

#include "cli/command.h"

namespace strata::cli {

// One row of the command table per command; each is defined in cmd_<name>.cc. The path is given by
// the table (commands.cc), because docker has many commands under two names: "images" is "image
// ls".

Command attach_command(std::string_view path);
Command port_command(std::string_view path);
Command build_command(std::string_view path);
Command builder_du_command(std::string_view path);
Command builder_prune_command(std::string_view path);
Command cat_command(std::string_view path);
Command check_command(std::string_view path);
Command commit_command(std::string_view path);
Command container_inspect_command(std::string_view path);
Command copy_command(std::string_view path);
Command cp_command(std::string_view path);
Command container_prune_command(std::string_view path);
Command create_command(std::string_view path);
Command diff_command(std::string_view path);
Command exited_command(std::string_view path);  // hidden: conmon's --exit-command
Command exec_command(std::string_view path);
Command export_command(std::string_view path);
Command history_command(std::string_view path);
Command image_inspect_command(std::string_view path);
Command image_mount_command(std::string_view path);
Command image_umount_command(std::string_view path);
Command image_prune_command(std::string_view path);
Command images_command(std::string_view path);
Command import_command(std::string_view path);
Command info_command(std::string_view path);
Command inspect_command(std::string_view path);
Command kill_command(std::string_view path);
Command layers_command(std::string_view path);
Command load_command(std::string_view path);
Command login_command(std::string_view path);
Command logout_command(std::string_view path);
Command logs_command(std::string_view path);
Command ls_command(std::string_view path);
Command manifest_annotate_command(std::string_view path);
Command manifest_create_command(std::string_view path);
Command manifest_inspect_command(std::string_view path);
Command manifest_push_command(std::string_view path);
Command manifest_rm_command(std::string_view path);
Command pause_command(std::string_view path);
Command pin_command(std::string_view path);
Command pins_command(std::string_view path);
Command ps_command(std::string_view path);
Command pull_command(std::string_view path);
Command push_command(std::string_view path);
Command receive_command(std::string_view path);
Command registry_referrers_command(std::string_view path);
Command registry_rm_command(std::string_view path);
Command registry_tags_command(std::string_view path);
Command rename_command(std::string_view path);
Command restart_command(std::string_view path);
Command rm_command(std::string_view path);
Command rmi_command(std::string_view path);
Command run_command(std::string_view path);
Command save_command(std::string_view path);
Command search_command(std::string_view path);
Command send_command(std::string_view path);
Command start_command(std::string_view path);
Command stats_command(std::string_view path);
Command stop_command(std::string_view path);
Command system_df_command(std::string_view path);
Command system_prune_command(std::string_view path);
Command tag_command(std::string_view path);
Command top_command(std::string_view path);
Command unpause_command(std::string_view path);
Command unpin_command(std::string_view path);
Command update_command(std::string_view path);
Command version_command(std::string_view path);
Command wait_command(std::string_view path);

/// The program with all its commands.
const Program& strata_program();

}  // namespace strata::cli
