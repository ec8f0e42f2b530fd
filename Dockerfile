# syntax=docker/dockerfile:1
# One image for every role; deploy/compose.yaml says which command is which.
ARG NODE_IMAGE=node:24.21.0-trixie-slim

FROM ${NODE_IMAGE} AS source
WORKDIR /app
COPY package.json package-lock.json tsconfig.json LICENSE ./
COPY packages packages
COPY apps apps

# The pages are built with tools that are not needed later.
FROM source AS pages
RUN npm ci --workspace @millrace/web --ignore-scripts --no-audit --no-fund
RUN npm run build

# Only what the server runs with. Its packages stay in the workspace and are linked from node_modules:
# Node runs TypeScript directly, and refuses to do that for files that lie under node_modules.
FROM source AS server
RUN npm ci --workspace millrace --omit=dev --ignore-scripts --no-audit --no-fund
RUN rm -r apps/web
COPY --from=pages /app/apps/web/dist apps/web/dist

FROM ${NODE_IMAGE}
COPY --from=server /app /app
# /data holds the uploaded files: a volume that all processes share. A new volume takes over its owner.
# /workspace is for tasks and a configuration of your own; without them it stays empty.
RUN mkdir /data /workspace && chown node:node /data
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000 DATA_DIR=/data
WORKDIR /workspace
USER node
EXPOSE 8000
VOLUME /data
# An API process answers at PORT, a worker at HEALTH_PORT.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HEALTH_PORT ?? process.env.PORT}/readyz`).then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/apps/server/src/main.ts"]
CMD ["start"]
