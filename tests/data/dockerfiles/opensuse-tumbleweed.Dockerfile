FROM scratch
LABEL org.opencontainers.image.title="openSUSE Tumbleweed Base Container" \
      org.opencontainers.image.created="2024-06-01T00:00:00Z"
LABEL "org.openbuildservice.disturl"="obs://build.example.org/x"
ADD openSUSE-Tumbleweed.x86_64.tar.xz /
CMD ["/bin/bash"]
