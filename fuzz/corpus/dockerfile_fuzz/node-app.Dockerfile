# syntax=docker/dockerfile:1
ARG NODE_VERSION=20
FROM --platform=$BUILDPLATFORM node:${NODE_VERSION}-alpine AS deps
WORKDIR /app
RUN --mount=type=bind,source=package.json,target=package.json \
    --mount=type=bind,source=package-lock.json,target=package-lock.json \
    --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev

FROM deps AS build
RUN --mount=type=cache,target=/root/.npm npm ci
COPY --exclude=*.md --exclude=test . .
RUN npm run build

FROM node:${NODE_VERSION}-alpine
ENV NODE_ENV=production
USER node
COPY package.json .
COPY --from=deps --link /app/node_modules ./node_modules
COPY --from=build --link --chmod=0555 /app/dist ./dist
EXPOSE 3000
CMD npm start
