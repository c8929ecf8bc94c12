FROM bb:1 AS build
WORKDIR /src
COPY d requirements/
RUN mkdir -p /install/lib && cp -r requirements /install/lib
FROM bb:1
ENV PYTHONUNBUFFERED=1 PATH=/install/bin:$PATH
COPY --from=build /install /install
WORKDIR /app
COPY . .
EXPOSE 8000
CMD ["sh", "run.sh"]
