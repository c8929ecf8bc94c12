# syntax=docker/dockerfile:1
FROM alpine AS clone
RUN apk add --no-cache git openssh-client
RUN mkdir -p -m 0700 ~/.ssh && ssh-keyscan git.example.org >> ~/.ssh/known_hosts
# required fails the build without an agent
RUN --mount=type=ssh,required=true git clone git@git.example.org:team/private.git /src
ADD --keep-git-dir=true git@git.example.org:team/other.git#v1.0:sub /other
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.org/linux.tar.xz /

FROM node:20 AS app
WORKDIR /app
COPY --from=clone --link /src .
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc,mode=0400,uid=1000 npm ci
RUN --mount=type=secret,id=token,env=NPM_TOKEN --network=none --security=sandbox npm run build
