#pragma once

#include <string>
#include <vector>

#include "base/fd.h"

namespace strata {

/// Directories to be merged into one root file system. All names are relative to `overlay_dir`
/// (`l/<short>`, `<cache-id>/diff`) or absolute, without `:`, `,` and `\`.
struct OverlaySpec {
  int overlay_dir = -1;             // directory fd of ROOT/overlay2; borrowed
  std::vector<std::string> lowers;  // read-only layers, top-most first; at most 128
  std::string upper;                // takes what is written; empty: a read-only mount
  std::string work;                 // empty directory on the file system of `upper`
  /// Never syncs. The kernel leaves `work/incompat/volatile` behind and refuses to mount this work
  /// directory again until that is removed.
  bool is_volatile = false;
};

/// Mounts without attaching: the result is an O_PATH descriptor of the root of a *detached* mount.
/// It serves as directory fd of *at calls, and a process of its own can attach() it. The kernel
/// unmounts when the last descriptor (and the last place it was attached to) is gone, so an end by
/// SIGKILL leaves no mount.
///
/// With an upper directory and lowers it is a writable overlay, with two lowers or more a read-only
/// one. A single directory needs no overlay: one lower gives a read-only view of it, an upper
/// directory alone a writable one. Nothing at all is InvalidArgument.
///
/// Overlay options are redirect_dir=off, metacopy=off, index=off, whatever the defaults of the
/// module are, so that an upper directory never holds redirects or copies of metadata alone
/// (docs/store.md, section 3.6). Needs CAP_SYS_ADMIN and Linux 5.12.
Result<UniqueFd> mount_overlay(const OverlaySpec& spec);

/// Attaches a detached mount to the directory `target` (absolute) in the mount namespace of the
/// calling thread. Async-signal-safe, for Command::in_child. 0, or -1 with errno.
int attach_mount(int mount, const char* target);

}  // namespace strata
