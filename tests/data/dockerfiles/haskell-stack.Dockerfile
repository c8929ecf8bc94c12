FROM haskell:9.8-slim as build
RUN mkdir /opt/build
COPY . /opt/build
RUN cd /opt/build && stack --system-ghc --install-ghc build --copy-bins

FROM debian:stable-slim
RUN mkdir -p /opt/myapp
ARG BINARY_PATH
WORKDIR /opt/myapp
COPY --from=build /root/.local/bin/ .
COPY static/ /opt/myapp/static
CMD /opt/myapp/myapp
