FROM ocaml/opam:alpine-ocaml-5.2 AS builder
WORKDIR /home/opam/app
COPY --chown=opam *.opam .
RUN opam exec -- opam install . --deps-only --with-test -y
COPY --chown=opam . .
RUN eval $(opam env) && dune build --profile release ./bin/main.exe
FROM alpine:3.20
COPY --from=builder /home/opam/app/_build/default/bin/main.exe /usr/local/bin/app
USER 65534:65534
ENTRYPOINT ["app"]
