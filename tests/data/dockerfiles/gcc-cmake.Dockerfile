FROM gcc:14 AS build
RUN apt-get update && apt-get install -y --no-install-recommends cmake ninja-build
WORKDIR /src
COPY CMakeLists.txt .
COPY src/ src/
RUN --mount=type=tmpfs,target=/tmp,size=512m cmake -G Ninja -B /build -DCMAKE_BUILD_TYPE=Release . \
 && cmake --build /build
ARG RUN_TESTS
RUN if [ -n "$RUN_TESTS" ]; then ctest --test-dir /build; fi

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=0 /build/app /app
ENTRYPOINT ["/app"]
