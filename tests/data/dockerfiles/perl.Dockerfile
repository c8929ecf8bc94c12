FROM buildpack-deps:bookworm
COPY *.patch /usr/src/perl/
WORKDIR /usr/src/perl
RUN true \
    && curl -fL https://example.org/perl-5.40.0.tar.gz -o perl-5.40.0.tar.gz \
    && cat *.patch | patch -p1 \
    && gnuArch="$(dpkg-architecture --query DEB_BUILD_GNU_TYPE)" \
    && archBits="$(dpkg-architecture --query DEB_BUILD_ARCH_BITS)" \
    && archFlag="$([ "$archBits" = '64' ] && echo '-Duse64bitall' || echo '-Duse64bitint')" \
    && ./Configure -Darchname="$gnuArch" "$archFlag" -des \
    && { [ 'x86_64' = "$(uname -m)" ] || true; } \
    && cd && rm -fr ./cpanm /root/.cpanm
WORKDIR /usr/src/app
CMD ["perl5.40.0","-de0"]
