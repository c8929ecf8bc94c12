FROM bb:1
LABEL org.opencontainers.image.title="T" org.opencontainers.image.version=1.0 com.example-x_y=z
