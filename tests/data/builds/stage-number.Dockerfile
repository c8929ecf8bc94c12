FROM bb:1
RUN echo zero > /z
FROM bb:1
COPY --from=0 /z /
