# check=skip=JSONArgsRecommended;error=true
FROM opensuse/leap:15.6
ARG OTP_VERSION="27.0"
ARG SUM='sha256:24dbe4d5c8bbc4d9b1d4f4d5a5c0e2b2d4d6ffbd3c2a1e0f9e8d7c6b5a493827'
ADD --checksum=$SUM --chmod=0644 https://example.org/otp_src_${OTP_VERSION}.tar.gz /usr/src/
ADD --keep-git-dir=true https://example.org/rebar3.git#v3.23 /usr/src/rebar3
RUN zypper --non-interactive install --no-recommends gcc make ncurses-devel \
 && zypper clean --all
RUN tar -C /usr/src -xf "/usr/src/otp_src_${OTP_VERSION}.tar.gz" \

 && cd "/usr/src/otp_src_${OTP_VERSION}" \

 && ./configure && make && make install
HEALTHCHECK NONE
CMD erl -noshell
