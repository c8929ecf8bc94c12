# [Choice] Debian OS version: bookworm, bullseye
ARG VARIANT="bookworm"
FROM buildpack-deps:${VARIANT}-curl
ARG USERNAME=vscode USER_UID=1000 USER_GID=$USER_UID
COPY library-scripts/*.sh library-scripts/*.env /tmp/library-scripts/
RUN groupadd --gid $USER_GID $USERNAME \
    && useradd --uid $USER_UID --gid $USER_GID -m $USERNAME
SHELL ["/bin/bash", "--login", "-i", "-c"]
ENV SHELL=/bin/bash
USER $USERNAME
CMD [ "sleep", "infinity" ]
