FROM fedora:40
MAINTAINER Example Maintainers "with quotes"
RUN dnf -y install nodejs && dnf clean all
ONBUILD ARG NPM_FLAGS
ONBUILD COPY package*.json /srv/
onbuild   RUN cd /srv && npm ci $NPM_FLAGS
ONBUILD COPY --chown=1000:1000 . /srv
WORKDIR /srv
CMD ["npm", "start"]
