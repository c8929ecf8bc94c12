FROM bb:1 AS build
RUN mkdir /o && touch /o/a.o /o/b.o /o/c.c
FROM bb:1
COPY --from=build /o/*.o /objects/
