FROM bb:1 AS build
RUN echo x > /f && chown 3:4 /f
FROM bb:1
COPY --from=build --chown=9:9 /f /
