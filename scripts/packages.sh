# Sourced by the other scripts: the Debian packages that Strata needs, by purpose, and what
# installs those that are missing. Every list is complete in itself.

# To compile build/release/strata.
packages_build=(clang cmake ninja-build libfmt-dev libssl-dev zlib1g-dev libisal-dev
                libbz2-dev liblzma-dev libzstd-dev libcurl4-openssl-dev)

# To run it: crun starts containers, conmon watches over detached ones, libcurl fetches URLs and talks to
# registries, ISA-L packs and unpacks layers, `top` asks ps.
packages_run=(crun conmon libcurl4 libisal2 procps)

# For scripts/demo: mmdebstrap makes the base image.
packages_demo=("${packages_build[@]}" "${packages_run[@]}" mmdebstrap python3 ca-certificates)

# For scripts/test: the C++ test libraries, a real dockerd to compare with, git for repositories,
# xfsprogs for a disk that is full, strace to count what a command looks at, ip to make networks.
packages_test=("${packages_build[@]}" "${packages_run[@]}" ccache g++ libclang-rt-dev llvm libgtest-dev
               libbenchmark-dev clang-format
               docker.io containerd runc skopeo umoci podman buildah mmdebstrap busybox-static
               docker-registry git iproute2 openssl python3 zstd ca-certificates xfsprogs strace)

# need_root NAME: stops the script unless root runs it. Mounts, devices and file owners need root.
need_root() {
  [ "$(id -u)" -eq 0 ] && return
  echo "$1: must run as root: sudo scripts/$1" >&2
  exit 1
}

# missing_packages NAME...: those that are not installed, one a line.
missing_packages() {
  local name
  for name; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
  done
}

# install_packages NAME...: installs what is missing; asks nothing, and touches neither the network
# nor the package lists when nothing is. Services of new packages are not started: the tests run a
# dockerd of their own.
install_packages() {
  local missing
  command -v apt-get >/dev/null || { echo "$0: needs Debian's apt-get" >&2; return 1; }
  mapfile -t missing < <(missing_packages "$@" | sort -u)
  [ "${#missing[@]}" -gt 0 ] || return 0
  echo "installing ${missing[*]}"
  (
    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
      trap 'rm -f "$policy"' EXIT
      printf '#!/bin/sh\nexit 101\n' >"$policy"
      chmod 755 "$policy"
    fi
    log=$(mktemp)
    { apt-get -o Acquire::Retries=3 -q update &&
      apt-get -o Acquire::Retries=3 -q -y --no-install-recommends install "${missing[@]}"; } \
        >"$log" 2>&1 </dev/null || { cat "$log" >&2; echo "$0: apt-get failed" >&2; exit 1; }
    rm -f "$log"
  )
}
