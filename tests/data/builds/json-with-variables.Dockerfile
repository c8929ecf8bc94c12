FROM bb:1
ENV D=/json
COPY ["a.txt", "$D/"]
VOLUME ["$D"]
CMD ["$D"]
