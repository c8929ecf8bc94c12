FROM scratch
LABEL maintainer="Clement Example <clement@example.org>"
ENV DISTTAG=f40container FGC=f40 FBR=f40
ADD fedora-40-x86_64.tar /
CMD ["/bin/bash"]
