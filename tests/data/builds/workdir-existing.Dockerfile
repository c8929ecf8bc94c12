# compare: classic
FROM bb:1
WORKDIR /etc
RUN ls > /listing
