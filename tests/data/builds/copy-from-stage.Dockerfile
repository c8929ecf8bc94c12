FROM bb:1 AS build
RUN mkdir -p /out/sub && echo x > /out/f && chown 3:4 /out/f && chmod 640 /out/f && ln -s f /out/l && echo y > /out/sub/y
FROM bb:1
COPY --from=build /out /got
COPY --from=0 /out/f /single
COPY --from=build /out/sub/ /sub/
