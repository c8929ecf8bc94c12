# The interpreter from source, in the manner of language images.
FROM debian:bookworm-slim

# local programs first
ENV PATH /usr/local/bin:$PATH
ENV LANG=C.UTF-8

RUN set -eux; \
	apt-get update; \
	apt-get install -y --no-install-recommends \
		ca-certificates \
		netbase \
		tzdata \
	; \
	rm -rf /var/lib/apt/lists/*

ENV GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305 \
    PYTHON_VERSION=3.12.4

RUN set -eux; \
	\
	savedAptMark="$(apt-mark showmanual)"; \
	apt-get update; \
	apt-get install -y --no-install-recommends gcc libc6-dev libssl-dev make wget xz-utils; \
	\
	wget -O python.tar.xz "https://example.org/python/${PYTHON_VERSION%%[a-z]*}/Python-$PYTHON_VERSION.tar.xz"; \
	mkdir -p /usr/src/python; \
	tar --extract --directory /usr/src/python --strip-components=1 --file python.tar.xz; \
	rm python.tar.xz; \
	\
	cd /usr/src/python; \
	./configure --enable-optimizations --with-ensurepip; \
# a comment inside the command
	nproc="$(nproc)"; \
	make -j "$nproc"; \
	make install; \
	apt-mark auto '.*' > /dev/null; \
	apt-mark manual $savedAptMark; \
	python3 --version

# make some useful symlinks that are expected to exist
RUN set -eux; \
	for src in idle3 pydoc3 python3 python3-config; do \
		dst="$(echo "$src" | tr -d 3)"; \
		[ -s "/usr/local/bin/$src" ]; \
		ln -svT "$src" "/usr/local/bin/$dst"; \
	done

CMD ["python3"]
