## Emacs, make this -*- mode: sh; -*-

FROM debian:testing

LABEL org.opencontainers.image.licenses="GPL-2.0-or-later" \
      org.opencontainers.image.authors="Example Person <person@example.org>"

## Set a default user. Available via runtime flag `--user docker`
RUN useradd -s /bin/bash -m docker \
	&& addgroup docker staff

RUN /usr/sbin/locale-gen en_US.utf8 \
	&& /usr/sbin/update-locale LANG=en_US.UTF-8

ENV LC_ALL en_US.UTF-8
ENV LANG en_US.UTF-8
ENV R_BASE_VERSION 4.4.1

## Now install R and littler, and create a link for littler in /usr/local/bin
RUN apt-get update \
        && apt-get install -y --no-install-recommends \
		r-base=${R_BASE_VERSION}-* \
		r-base-dev=${R_BASE_VERSION}-* \
	&& rm -rf /tmp/downloaded_packages/ /tmp/*.rds

CMD ["R"]
