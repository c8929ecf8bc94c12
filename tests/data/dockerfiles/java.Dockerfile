FROM eclipse-temurin:21-jdk AS build
WORKDIR /build
COPY mvnw pom.xml ./
COPY .mvn .mvn
RUN ./mvnw -B dependency:go-offline
COPY src src
RUN ./mvnw -B package -DskipTests && java -Djarmode=layertools -jar target/*.jar extract --destination layers

FROM eclipse-temurin:21-jre
LABEL org.opencontainers.image.title="Shop" \
      org.opencontainers.image.description="A shop \"with quotes\" and $no variable" \
      org.opencontainers.image.licenses='Apache-2.0 OR MIT'
VOLUME /tmp
WORKDIR /app
COPY --from=build /build/layers/dependencies/ ./
COPY --from=build /build/layers/application/ ./
STOPSIGNAL SIGTERM
EXPOSE 8080 8443/tcp
ENTRYPOINT ["java", "-XX:MaxRAMPercentage=75.0", "org.springframework.boot.loader.launch.JarLauncher"]
