# Both programs in one small image: no shell, no root, and nothing is written outside of the volumes.
#   tidemark-sync    expects its --root on a volume (/git)
#   tidemark-ingest  expects the same volume, which may be read-only, and its index on another one (/index)
ARG BASE=docker.io/library/debian:trixie-slim

FROM ${BASE} AS tools
WORKDIR /src
COPY script/bootstrap script/bootstrap
RUN script/bootstrap

FROM tools AS build
COPY . .
RUN --mount=type=cache,target=/ccache CCACHE_DIR=/ccache script/build \
 && script/image-root /image build/release/tidemark-sync build/release/tidemark-ingest \
 && rm -rf build

# The unit tests, and tidemark-sync's end to end, against this distribution's libraries. No mounts are permitted while an image is built.
FROM tools AS test
ENV TIDEMARK_NO_MOUNTS=true
RUN script/bootstrap --test
COPY . .
RUN --mount=type=cache,target=/ccache CCACHE_DIR=/ccache script/test --image

FROM scratch AS image
COPY --from=build /image/ /
ENV PATH=/usr/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
LABEL org.opencontainers.image.title="Tidemark" \
      org.opencontainers.image.description="Keeps a search index level with a Git repository" \
      org.opencontainers.image.licenses="Apache-2.0"
# There are two programs here, so the command names one: `tidemark-sync ...` or `tidemark-ingest ...`.
CMD ["tidemark-ingest", "--help"]
