# syntax=docker/dockerfile:1

FROM golang:1.26-bookworm AS build
WORKDIR /src
# Modules change less often than code and are kept in a layer of their own.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
# Everything is pure Go, SQLite included, so the image needs no C library.
ENV CGO_ENABLED=0
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags="-s -w" -o /out/tokenkeeper ./starter && \
    go build -trimpath -ldflags="-s -w" -o /out/tokenkeeper-worker ./worker
# A volume takes over the owner of the folder it is first mounted on.
RUN mkdir -p /out/data

FROM gcr.io/distroless/static-debian12:nonroot
LABEL org.opencontainers.image.title="tokenkeeper" \
      org.opencontainers.image.description="Keeps the OAuth credentials of agents alive on Temporal, and turns Slack bug reports into GitHub issues"
COPY --from=build /out/tokenkeeper /out/tokenkeeper-worker /usr/local/bin/
COPY --from=build --chown=nonroot:nonroot /out/data /var/lib/tokenkeeper
WORKDIR /var/lib/tokenkeeper
VOLUME /var/lib/tokenkeeper
EXPOSE 8780
# There is no shell and no curl to ask the worker how it is: an orchestrator probes GET /healthz on port 8780, or runs
# tokenkeeper-worker --healthy 127.0.0.1:8780.
ENTRYPOINT ["/usr/local/bin/tokenkeeper-worker"]
CMD ["--config", "tokenkeeper.yaml"]
