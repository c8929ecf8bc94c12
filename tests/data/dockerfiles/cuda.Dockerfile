ARG CUDA_VERSION=12.5.0
FROM nvidia/cuda:${CUDA_VERSION}-devel-ubuntu22.04 AS devel
ENV NV_CUDA_LIB_VERSION "12.5.0-1"
FROM devel AS base-amd64
ENV NV_CUDNN_PACKAGE libcudnn9-cuda-12=9.1.0.70-1
FROM devel AS base-arm64
ENV NV_CUDNN_PACKAGE libcudnn9-cuda-12
ARG TARGETARCH=amd64
FROM base-${TARGETARCH}
ARG TARGETARCH
LABEL maintainer "CORP <installer@example.org>"
RUN apt-get update && apt-get install -y --no-install-recommends \
    ${NV_CUDNN_PACKAGE} \
    && rm -rf /var/lib/apt/lists/*
ENV NVIDIA_VISIBLE_DEVICES all
ENV LD_LIBRARY_PATH /usr/local/nvidia/lib:/usr/local/nvidia/lib64
