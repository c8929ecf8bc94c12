FROM bb:1 AS build
RUN mkdir /real && echo x > /real/f && ln -s /real /via
FROM scratch
COPY --from=build /via /followed
COPY --from=build /via/f /f
