FROM alpine:edge as build
RUN apk add zig
workdir /s
copy . .
run zig build -Doptimize=ReleaseSmall
from scratch
copy --from=build /s/zig-out/bin/app /
entrypoint ["/app"]
