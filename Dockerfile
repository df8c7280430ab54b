# The image of both programs: weir-proxy (the entry point) and weir-controller (see below).
#
#   docker build -t weir .
#   docker run weir --help
#   docker run --entrypoint node weir /app/controller/main.js --help

# The base is an argument, so that a registry mirror or a digest can be pinned without editing this file.
ARG BASE=node:26-slim

FROM ${BASE} AS build
WORKDIR /src
# Dependencies first: they change less often than the sources, so this layer is cached between builds.
COPY package.json package-lock.json ./
# No package needs an install script, so none is run.
RUN npm ci --ignore-scripts
COPY . .
RUN node deploy/bundle.ts dist

FROM ${BASE}
# A bundle and no node_modules: nothing is there that does not run.
COPY --from=build /src/dist /app
COPY --from=build /src/LICENSE /app/LICENSE
WORKDIR /app
ENV NODE_ENV=production
# Stack traces name the lines of the sources.
ENV NODE_OPTIONS=--enable-source-maps
# By number: Kubernetes can check runAsNonRoot only then. The files stay root's, so the process cannot change them.
USER 65532:65532
EXPOSE 9999 9911
# Starts the drain; node is process 1 here and gets the signal itself (no shell, no npm in between).
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/proxy/main.js"]
