FROM bb:1 AS deps
WORKDIR /app
COPY a.txt package.json
RUN mkdir node_modules && cp package.json node_modules/x
FROM deps AS build
COPY d src
RUN mkdir dist && cp -r src dist
FROM bb:1
ENV NODE_ENV=production
WORKDIR /app
COPY --from=deps /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER bob
HEALTHCHECK --interval=30s CMD true
ENTRYPOINT ["sh"]
CMD ["dist/index"]
