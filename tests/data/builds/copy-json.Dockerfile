FROM bb:1
COPY ["with space.txt", "/has space/"]
COPY ["a.txt", "b.txt", "/j/"]
