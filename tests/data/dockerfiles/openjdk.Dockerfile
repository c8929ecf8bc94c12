FROM debian:bookworm
RUN set -eux; \
	apt-get update; \
	apt-get install -y --no-install-recommends \
		bzip2 unzip xz-utils \
	; \
	rm -rf /var/lib/apt/lists/*
ENV JAVA_HOME /usr/local/openjdk-23
ENV PATH $JAVA_HOME/bin:$PATH
# Default to UTF-8 file.encoding
ENV LANG C.UTF-8
ENV JAVA_VERSION 23-ea+28
RUN set -eux; \
	\
	arch="$(dpkg --print-architecture)"; \
	case "$arch" in \
		'amd64') \
			downloadUrl='https://example.org/openjdk-23-ea+28_linux-x64_bin.tar.gz'; \
			;; \
		'arm64') \
			downloadUrl='https://example.org/openjdk-23-ea+28_linux-aarch64_bin.tar.gz'; \
			;; \
		*) echo >&2 "error: unsupported architecture: '$arch'"; exit 1 ;; \
	esac; \
	wget --progress=dot:giga -O openjdk.tgz "$downloadUrl"; \
	mkdir -p "$JAVA_HOME"; \
	tar --extract --file openjdk.tgz --directory "$JAVA_HOME" --strip-components 1 --no-same-owner; \
	java -Xshare:dump; \
	javac --version
# "jshell" is an interactive REPL for Java
CMD ["jshell"]
