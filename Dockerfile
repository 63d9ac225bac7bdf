# The image of operator and broker. `make image` builds the same layout without Docker.
# Any base with glibc and Node 26 at /usr/local/bin/node will do.
ARG BASE=docker.io/library/node:26-slim

FROM ${BASE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
# Scripts are not needed: native add-ons come as packages of their own.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY LICENSE ./
COPY broker broker
COPY operator operator
COPY charts/image charts/image
RUN node charts/image/stage.ts /stage

FROM ${BASE}
COPY --from=build /stage/packages/app /app
COPY --from=build /stage/application/app /app
WORKDIR /app
ENV NODE_ENV=production
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/node"]
