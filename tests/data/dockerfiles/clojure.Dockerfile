FROM clojure:temurin-21-tools-deps-bookworm-slim AS builder
RUN ["mkdir", "-p", "/build"]
WORKDIR /build
COPY deps.edn build.clj ./
RUN clojure -P -T:build
COPY ./ ./
RUN clojure -T:build uber
FROM eclipse-temurin:21-alpine AS final
COPY --from=builder /build/target/app.jar /app.jar
ENTRYPOINT ["java", "-jar", "/app.jar"]
