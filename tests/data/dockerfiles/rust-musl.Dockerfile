ARG RUST_VERSION=1.79
FROM clux/muslrust:${RUST_VERSION}-stable AS build
ARG CARGO_BUILD_FLAGS="--release --locked"
WORKDIR /volume
COPY Cargo.toml Cargo.lock ./
COPY <<EOF src/main.rs
fn main() {}
EOF
RUN --mount=type=cache,id=cargo-registry,target=/root/.cargo/registry,sharing=locked cargo build ${CARGO_BUILD_FLAGS}
ADD src src
RUN touch src/main.rs && cargo build $CARGO_BUILD_FLAGS

FROM gcr.io/distroless/static:nonroot
COPY --chown=nonroot:nonroot --from=build /volume/target/x86_64-unknown-linux-musl/release/app /app/
EXPOSE 8080
ENTRYPOINT ["/app/app"]
