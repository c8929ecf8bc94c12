FROM python:2.7
RUN mkdir -p /usr/src/app
WORKDIR /usr/src/app
ONBUILD COPY requirements.txt /usr/src/app/
ONBUILD RUN pip install --no-cache-dir -r requirements.txt
ONBUILD COPY . /usr/src/app
ONBUILD ENTRYPOINT ["python"]
ONBUILD HEALTHCHECK --interval=5s CMD curl -f http://localhost/ || exit 1
ONBUILD EXPOSE 80
