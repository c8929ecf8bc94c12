ARG ARCH_TAG=base-devel
ARG REGISTRY=docker.io/library
FROM ${REGISTRY}/archlinux:${ARCH_TAG} as Builder
RUN pacman -Syu --noconfirm --needed ghc cabal-install && yes | pacman -Scc
WORKDIR /work
ADD . .
RUN ["cabal", "build", "--enable-executable-static", "exe:tool"]
RUN ["/bin/bash", "-c", "cp \"$(cabal list-bin tool)\" /tool"]

from gcr.io/distroless/static:nonroot
copy --from=builder ["/tool", "/usr/bin/tool"]
entrypoint ["/usr/bin/tool"]
