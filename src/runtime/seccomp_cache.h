#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace strata {

/// What crun has made of seccomp profiles: the programs in the kernel's language that it compiles
/// them to, which takes it a third of a container's start. The same profile and the same crun give
/// the same program, so the one it made before can be given to it beside the profile, in an
/// annotation (crun(1), run.oci.seccomp_bpf_data). A runtime that does not know the annotation
/// compiles the profile.
///
/// One file for each, in base64, in a directory below /run that only root can look into: nothing
/// outlives the kernel. Any thread, any process.
class SeccompCache {
 public:
  /// `dir` is absolute, and made when something is to be kept. `program` is the path of crun.
  SeccompCache(std::string dir, std::string program)
      : dir_(std::move(dir)), program_(std::move(program)) {}

  /// Names the result for a profile, the JSON of `linux.seccomp`: of it, of the file of crun and of
  /// what the dynamic linker knows of libraries, which changes when libseccomp does.
  std::string key(std::string_view profile) const;
  /// In base64; "" if there is none.
  std::string find(const std::string& key) const;
  /// Keeps the file that crun wrote for that profile and has finished. Corrupt if it is no program.
  Result<void> keep(const std::string& key, const std::string& bpf_path) const;

 private:
  std::string dir_;
  std::string program_;
};

}  // namespace strata
