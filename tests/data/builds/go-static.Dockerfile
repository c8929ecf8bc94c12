FROM bb:1 AS build
ARG VERSION=dev
WORKDIR /go/src
COPY . .
RUN echo "$VERSION" > /go/bin-app && chmod 755 /go/bin-app
FROM scratch
COPY --from=build /go/bin-app /app
COPY --from=build /etc/passwd /etc/passwd
USER bob
ENTRYPOINT ["/app"]
