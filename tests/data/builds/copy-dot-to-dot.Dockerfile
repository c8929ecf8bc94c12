FROM bb:1
WORKDIR /w
COPY . .
RUN ls > /names
