ARG RUBY_VERSION
FROM ruby:${RUBY_VERSION:-3.1-alpine}
LABEL maintainer "Jordon Example <jordon@example.org>"
COPY copy/all /
ENV BUNDLE_HOME=/usr/local/bundle
ENV BUNDLE_APP_CONFIG=/usr/local/bundle
ENV GEM_BIN=/usr/gem/bin
ENV LANGUAGE=en_US
ENV LANG=en_US.UTF-8 TZ=America/Chicago
RUN echo "gem: --no-ri --no-rdoc" > ~/.gemrc
RUN unset GEM_HOME && unset GEM_BIN && \
  yes | gem update --system
CMD ["jekyll", "--help"]
ENTRYPOINT ["/usr/jekyll/bin/entrypoint"]
WORKDIR /srv/jekyll
VOLUME  /srv/jekyll
EXPOSE 35729
EXPOSE 4000
